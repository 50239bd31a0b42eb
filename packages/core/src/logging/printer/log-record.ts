/** A log line as JSON has it. Every field may be missing or of another type: an application writes lines, too. */
export type LogRecord = Readonly<Record<string, unknown>>;

export interface LoggedTask {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly attempt: number;
}

/** An error as the logger writes it. */
export interface LoggedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly cause: LoggedError | undefined;
}

/** The record of a line; `undefined` if the line is not a JSON object. */
export function parseRecord(line: string): LogRecord | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function taskOf({ task }: LogRecord): LoggedTask | undefined {
  if (!isObject(task)) return undefined;
  const { id, name, queue, attempt } = task;
  if (typeof id !== 'string' || typeof name !== 'string' || typeof queue !== 'string') return undefined;
  return { id, name, queue, attempt: typeof attempt === 'number' ? attempt : 1 };
}

export function errorOf(value: unknown): LoggedError | undefined {
  if (!isObject(value) || typeof value.message !== 'string') return undefined;
  const name = value.type ?? value.name;
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: value.message,
    stack: typeof value.stack === 'string' ? value.stack : '',
    cause: errorOf(value.cause),
  };
}

/** One line for an error: `TypeError: fetch failed`. */
export function summaryOf({ name, message }: LoggedError): string {
  return name === '' ? message : `${name}: ${message}`;
}

function isObject(value: unknown): value is LogRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
