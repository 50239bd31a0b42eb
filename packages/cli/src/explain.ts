import { UsageError } from './exit.ts';
import { printable } from './output.ts';

/** URLs, without secrets, of the brokers that failed. */
const brokers = new WeakMap<object, string>();

/** Notes which broker an error comes from, for `explain`. @param url without user and password */
export function noteBroker(error: unknown, url: string): void {
  if (typeof error === 'object' && error !== null && !brokers.has(error)) brokers.set(error, url);
}

/**
 * Describes an error for a person, in one line: its message, its causes, and the next step. Only an application that
 * failed to load gets stack frames, its own.
 */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return printable(`error: ${String(error)}`);
  const [cause] = causesOf(error);
  const frames = error instanceof UsageError && cause !== undefined ? ownFrames(cause) : [];
  return printable([`error: ${describe(error)}`, ...frames].join('\n'));
}

/** Errors that say everything that their causes do: the reply of the server, in other words. */
const COMPLETE: ReadonlySet<unknown> = new Set(['KEY_SPOILED', 'QUEUE_MISMATCH']);

/** The messages of an error and its causes, the broker, and the next step, in one line. */
export function describe(error: Error): string {
  const { code } = error as { code?: unknown };
  const messages = [error, ...(COMPLETE.has(code) ? [] : causesOf(error))].map(messageOf);
  // An error may quote its cause.
  const told = messages.filter((each, index) => !messages.slice(0, index).some((before) => before.includes(each)));
  const text = told.map((each) => each.replace(/; see the cause$/, '')).join(': ');
  // The errors of our adapters have the host and the next step; those of another adapter may not.
  if (code !== 'BROKER_UNAVAILABLE' || text.includes('TASK_BROKER_URL')) return text;
  const url = brokers.get(error);
  const broker = url === undefined ? '' : ` (broker ${url})`;
  return `${text}${broker}; start the server or correct the broker URL, then run brokkr doctor`;
}

/** The causes of an error, the nearest first. */
function causesOf(error: Error): readonly Error[] {
  const causes: Error[] = [];
  for (let at = error.cause; at instanceof Error && !causes.includes(at); at = at.cause) causes.push(at);
  return causes;
}

/** A failed attempt on several addresses of one host has no message of its own: its parts have. */
function messageOf(error: Error): string {
  if (error.message !== '' || !(error instanceof AggregateError)) return error.message || error.name;
  return error.errors.map((each) => (each instanceof Error ? each.message : String(each))).join(', ');
}

/** Stack frames outside Node and installed packages: the lines that the application's author can change. */
function ownFrames(error: Error): readonly string[] {
  const lines = (error.stack ?? '').split('\n');
  return lines.filter((line) => /^\s+at /.test(line) && !/node:|node_modules|@brokkr|packages\/cli\//.test(line));
}
