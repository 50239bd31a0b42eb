import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DestinationStream, Logger } from 'pino';
import { ownUrl } from '../errors/own-url.ts';
import { createLogger } from '../logging/create-logger.ts';
import { harmlessLine } from '../logging/harmless-line.ts';
import { currentBindings } from '../task/current-task.ts';
import { readEnvironment } from './env-file.ts';
import { resolveConfig, type TaskConfig } from './task-config.ts';

let made: Logger | undefined;

/**
 * The logger of `LOG_LEVEL` and `LOG_FORMAT`, made when it is first used. Its lines written in a handler carry the
 * task's id, name, queue and attempt.
 */
export const logger: Logger = new Proxy({} as Logger, {
  get: (_, property) => {
    const target = theLogger();
    const value: unknown = Reflect.get(target, property, target);
    return typeof value === 'function' ? value.bind(target) : value;
  },
  set: (_, property, value) => Reflect.set(theLogger(), property, value),
  has: (_, property) => Reflect.has(theLogger(), property),
});

function theLogger(): Logger {
  made ??= configuredLogger(resolveConfig({}, readEnvironment()));
  return made;
}

/** The logger of a manager: the one given, else the process's, else one of the manager's own level and format. */
export function managerLogger(
  given: Logger | undefined,
  options: { readonly logLevel?: unknown; readonly logFormat?: unknown },
  config: TaskConfig,
): Logger {
  if (given !== undefined && given !== logger) return given;
  const own = given === undefined && (options.logLevel !== undefined || options.logFormat !== undefined);
  return own ? configuredLogger(config) : theLogger();
}

function configuredLogger({ logLevel, logFormat }: Pick<TaskConfig, 'logLevel' | 'logFormat'>): Logger {
  const pretty = logFormat === 'pretty' || (logFormat === undefined && process.stdout.isTTY === true);
  return createLogger({
    level: logLevel,
    destination: pretty ? prettyDestination() : undefined,
    bindings: currentBindings,
  });
}

type PinoPretty = (options: {
  readonly colorize: boolean;
  readonly sync: true;
  readonly ignore: string;
}) => DestinationStream;

/** pino-pretty is the application's choice to install; without it lines are JSON. */
function prettyDestination(): DestinationStream | undefined {
  for (const from of [pathToFileURL(join(process.cwd(), 'package.json')).href, ownUrl]) {
    try {
      const pretty = createRequire(from)('pino-pretty') as PinoPretty;
      const printer = pretty({ colorize: process.stdout.isTTY === true, sync: true, ignore: 'pid' });
      return { write: (line: string) => printer.write(harmlessLine(line)) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  return undefined;
}
