import { createRequire } from 'node:module';
import type { DestinationStream, Logger, pino as Pino } from 'pino';
import { errorRecord } from '../errors/error-record.ts';
import { ConfigError } from '../errors/errors.ts';
import { ownUrl } from '../errors/own-url.ts';
import { escaped } from './escaped.ts';

export interface LoggerOptions {
  /** pino level, `silent` too. */
  readonly level: string;
  /** @default standard output, written synchronously */
  readonly destination?: DestinationStream | undefined;
  /** Converts each JSON line to the text that is written. @default the line, with unsafe characters escaped */
  readonly format?: ((line: string) => string) | undefined;
  /** Returns fields to add to a line; called for each line. */
  readonly bindings?: (() => object | undefined) | undefined;
}

/** Loaded with the first logger: pino takes a third of the time that importing the core would take with it. */
let loaded: typeof Pino | undefined;

/** Loggers that add bindings to each line, and their twins that do not. */
const twins = new WeakMap<Logger, Logger>();

/**
 * A pino logger that writes each record as one line, with control characters escaped.
 * @throws ConfigError (`LOGGER_NOT_FOUND`) when pino cannot be found
 */
export function createLogger({ level, destination, format = oneLine, bindings }: LoggerOptions): Logger {
  loaded ??= loadPino();
  const pino = loaded;
  const output = destination ?? standardOutput(pino);
  const stream = { write: (line: string) => void output.write(format(line)) };
  const base = { level, base: { pid: process.pid }, errorKey: 'error', serializers: { error: described } };
  const plain = pino(base, stream);
  if (bindings === undefined) return plain;
  const logger = pino({ ...base, mixin: () => bindings() ?? {} }, stream);
  twins.set(logger, plain);
  return logger;
}

/** @throws ConfigError (`LOGGER_NOT_FOUND`) in a bundle that has no pino beside it */
function loadPino(): typeof Pino {
  try {
    return createRequire(ownUrl)('pino') as typeof Pino;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw cause;
    throw new ConfigError(
      `the package pino is not installed beside ${ownUrl}; a bundled application installs it there, or gives initialize() a pino logger as \`logger\``,
      { code: 'LOGGER_NOT_FOUND', cause },
    );
  }
}

/** Errors as strings alone: a logger must not call getters or proxies of a thrown value. */
function described(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return error;
  const { name, ...rest } = errorRecord(error);
  return { type: name, ...rest };
}

/** The logger for lines that name their task themselves. */
export function withoutBindings(logger: Logger): Logger {
  return twins.get(logger) ?? logger;
}

/** Characters that JSON leaves raw, and terminals or line readers act on: DEL, C1, line separators, bidi controls. */
const UNSAFE = /[\u007f-\u009f\p{Bidi_Control}\u2028\u2029]/gu;

function oneLine(line: string): string {
  return line.search(UNSAFE) === -1 ? line : line.replace(UNSAFE, escaped);
}

/** Standard output. If its terminal or reader is gone, lines are lost, and the process goes on. */
function standardOutput(pino: typeof Pino): DestinationStream {
  return pino.destination({ dest: 1, sync: true }).on('error', () => undefined);
}
