import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { ConfigError } from '../errors/errors.ts';

/** Settings by variable name; a variable that is not set is absent. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns the variables of the process, and those of `.env` in `folder` that the process does not set. Changes neither.
 * @throws ConfigError (`ENV_FILE_UNREADABLE`) if the file exists but cannot be read, or is not text in UTF-8 or UTF-16
 * @throws ConfigError (`ENV_FILE_INVALID`) if a line names a setting and does not set it
 */
export function readEnvironment(folder: string = process.cwd()): Environment {
  return { ...readEnvFile(join(folder, '.env')), ...process.env };
}

function readEnvFile(path: string): Environment {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new ConfigError(`${path} cannot be read`, { code: 'ENV_FILE_UNREADABLE', cause });
  }
  const text = decode(bytes, path);
  const parsed = parseEnv(text);
  checkSettings(text, parsed, path);
  return parsed;
}

/** A line that begins with the name of a setting, perhaps after quotes or a word such as `set`. */
const SETTING = /^[\s"'`]*(?:[$\w]+[\s:]+)?["'`]*(TASK_[A-Z0-9_]+)\b/;

/** `parseEnv` takes a line without `=` for a part of the next name: both settings would be ignored, without an error. */
function checkSettings(text: string, parsed: Environment, path: string): void {
  for (const [index, line] of text.split('\n').entries()) {
    const name = SETTING.exec(line)?.[1];
    if (name === undefined || name in parsed || isInValue(line, parsed)) continue;
    throw new ConfigError(`${path}, line ${index + 1}, does not set ${name}; write ${name}=value`, {
      code: 'ENV_FILE_INVALID',
    });
  }
}

/** Whether a line belongs to a value of several lines. */
function isInValue(line: string, parsed: Environment): boolean {
  return Object.values(parsed).some((value) => value?.includes('\n') && value.includes(line.trim()));
}

/**
 * Windows editors and PowerShell 5 save UTF-8 and UTF-16 with a byte order mark, which `parseEnv` treats as a letter.
 */
const UTF_16_MARKS: readonly (readonly [encoding: string, mark: Buffer])[] = [
  ['utf-16le', Buffer.of(0xff, 0xfe)],
  ['utf-16be', Buffer.of(0xfe, 0xff)],
];

function decode(bytes: Buffer, path: string): string {
  const [encoding] = UTF_16_MARKS.find(([, mark]) => bytes.subarray(0, 2).equals(mark)) ?? ['utf-8'];
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw unreadable(path, `is not valid ${encoding.toUpperCase()}`, cause);
  }
  // UTF-16 without its mark is valid UTF-8 with a NUL as every second character. No variable can contain a NUL.
  if (text.includes('\0')) throw unreadable(path, 'contains NUL characters');
  // A file joined from several files has the marks of all. `parseEnv` knows neither the other ends of lines, nor the
  // spaces that come with text copied from a web page.
  return text.replace(/\r\n?|[\v\f\u0085\u2028\u2029]/g, '\n').replace(/^[^\S\n]+/gm, '');
}

function unreadable(path: string, problem: string, cause?: unknown): ConfigError {
  return new ConfigError(`${path} ${problem}; save it as UTF-8`, { code: 'ENV_FILE_UNREADABLE', cause });
}
