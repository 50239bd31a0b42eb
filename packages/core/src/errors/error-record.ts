/** The parts of an error that are stored: only strings, so that a reader cannot look up or run anything in it. */
export interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: ErrorRecord;
}

const LONGEST_NAME = 120;
const LONGEST_MESSAGE = 2_048;
const LONGEST_STACK = 8_192;
const DEEPEST_CAUSE = 3;

/** Describes any value that a handler may throw. Never throws, not for hostile getters, proxies or cycles. */
export function errorRecord(thrown: unknown, depth = 0): ErrorRecord {
  if (typeof thrown !== 'object' || thrown === null) {
    return { name: 'NonError', message: cut(`${typeof thrown} was thrown: ${safeString(thrown)}`, LONGEST_MESSAGE) };
  }
  const name = read(thrown, 'name') ?? 'NonError';
  const message = read(thrown, 'message') ?? `an object was thrown: ${safeString(thrown)}`;
  const code = read(thrown, 'code');
  const stack = read(thrown, 'stack');
  const cause = depth < DEEPEST_CAUSE ? readCause(thrown) : undefined;
  return {
    name: cut(name, LONGEST_NAME),
    message: cut(message, LONGEST_MESSAGE),
    ...(code === undefined ? {} : { code: cut(code, LONGEST_NAME) }),
    ...(stack === undefined ? {} : { stack: cut(stack, LONGEST_STACK) }),
    ...(cause === undefined ? {} : { cause: errorRecord(cause, depth + 1) }),
  };
}

/**
 * Rebuilds an error record from the fields we know; `undefined` if `given` is not one. Never throws for parsed JSON.
 */
export function knownError(given: unknown, depth = 0): ErrorRecord | undefined {
  const { name, message } = (given ?? {}) as Readonly<Record<string, unknown>>;
  return typeof name === 'string' && typeof message === 'string' ? errorRecord(given, depth) : undefined;
}

/** Returns an error as one line: `TypeError: fetch failed`. */
export function errorLine(record: ErrorRecord): string {
  return `${record.name}: ${record.message}`;
}

function read(thrown: object, field: string): string | undefined {
  try {
    const value: unknown = (thrown as Record<string, unknown>)[field];
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

function readCause(thrown: object): unknown {
  try {
    return (thrown as { cause?: unknown }).cause;
  } catch {
    return undefined;
  }
}

function safeString(value: unknown): string {
  try {
    return String(value);
  } catch {
    return 'it cannot be shown';
  }
}

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}
