import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { ConfigError } from '../errors/errors.ts';

/** Settings by variable name; what is unset is absent. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The process's environment, filled up from `.env` in `folder` where there is one. Changes neither.
 * @throws ConfigError where the file is there and cannot be read
 */
export function readEnvironment(folder: string = process.cwd()): Environment {
  return { ...readEnvFile(join(folder, '.env')), ...process.env };
}

function readEnvFile(path: string): Environment {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new ConfigError(`${path} cannot be read`, { code: 'ENV_FILE_UNREADABLE', cause });
  }
}
