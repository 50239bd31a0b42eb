import { createRequire } from 'node:module';
import type { DestinationStream, Logger, pino as Pino } from 'pino';
import { escaped } from './escaped.ts';
import { errorRecord } from '../errors/error-record.ts';

export interface LoggerOptions {
  /** pino level, `silent` too. */
  readonly level: string;
  /** Where lines go. @default standard output, written at once */
  readonly destination?: DestinationStream | undefined;
  /** Fields for each line, asked for when it is written. */
  readonly bindings?: (() => object | undefined) | undefined;
}

/** Loaded when the first line may be written: it is a third of what importing the core would cost. */
let loaded: typeof Pino | undefined;

/** Loggers that ask for bindings at each line, and their twins that do not. */
const twins = new WeakMap<Logger, Logger>();

/** A pino logger whose lines are one line each, whatever is written into them. */
export function createLogger({ level, destination, bindings }: LoggerOptions): Logger {
  loaded ??= createRequire(import.meta.url)('pino') as typeof Pino;
  const pino = loaded;
  const stream = oneLine(destination ?? pino.destination({ dest: 1, sync: true }));
  const base = { level, base: { pid: process.pid }, errorKey: 'error', serializers: { error: described } };
  const plain = pino(base, stream);
  if (bindings === undefined) return plain;
  const logger = pino({ ...base, mixin: () => bindings() ?? {} }, stream);
  twins.set(logger, plain);
  return logger;
}

/** Errors as strings alone: getters and proxies of what was thrown are not for a logger to touch. */
function described(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return error;
  const { name, ...rest } = errorRecord(error);
  return { type: name, ...rest };
}

/** The logger for lines that name their task themselves. */
export function withoutBindings(logger: Logger): Logger {
  return twins.get(logger) ?? logger;
}

/** JSON leaves these raw, and terminals and line readers act on them: DEL, C1 controls, Unicode line separators. */
const UNSAFE = /[\u007f-\u009f\u2028\u2029]/g;

function oneLine(stream: DestinationStream): DestinationStream {
  return {
    write(line: string) {
      stream.write(line.search(UNSAFE) === -1 ? line : line.replace(UNSAFE, escaped));
    },
  };
}
