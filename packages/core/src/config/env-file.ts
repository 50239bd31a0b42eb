import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { ConfigError } from '../errors/errors.ts';

/** Settings by variable name; a variable that is not set is absent. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns the variables of the process, and those of `.env` in `folder` that the process does not set. Changes neither.
 * @throws ConfigError (`ENV_FILE_UNREADABLE`) if the file exists but cannot be read, or is not text in UTF-8 or UTF-16
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
  return parseEnv(decode(bytes, path));
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
  // A file joined from several files has the marks of all. `parseEnv` does not treat a lone CR as the end of a line.
  return text.replace(/\r\n?/g, '\n').replace(/^\uFEFF+/gm, '');
}

function unreadable(path: string, problem: string, cause?: unknown): ConfigError {
  return new ConfigError(`${path} ${problem}; save it as UTF-8`, { code: 'ENV_FILE_UNREADABLE', cause });
}
