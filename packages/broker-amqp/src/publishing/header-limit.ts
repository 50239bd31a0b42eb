import { readHistory } from '@brokkr/core/adapter';
import type { Options } from 'amqplib';

/** The client writes at most 64 KiB of headers, whatever the server accepts. */
const MOST_TABLE_BYTES = 60_000;
/** Size of the other parts of a properties frame: its own fields, message id, type and timestamp. */
const FRAME_EXTRA_BYTES = 600;
/** Overhead of a header: the length of its name, its type, and the length of its value. */
const HEADER_EXTRA_BYTES = 8;

const HISTORY = 'brokkr-history';
const REASON = 'brokkr-reason';
const LONGEST_REASON = 300;
const OWN = /^(x-)?brokkr-/;

type Table = Record<string, string | number>;
type Attempt = ReturnType<typeof readHistory>[number];

/** Bytes of headers that fit into a frame of `frameBytes` (`frame_max`). */
export function headerLimit(frameBytes: number): number {
  return Math.min(MOST_TABLE_BYTES, frameBytes - FRAME_EXTRA_BYTES);
}

/** Bytes that the headers of a message take on the wire. */
export function headerBytes({ headers }: Options.Publish): number {
  if (headers === undefined) return 0;
  let bytes = 0;
  for (const name of Object.keys(headers)) bytes += bytesOf(headers as Table, name);
  return bytes;
}

/**
 * Shortens the headers of a message that is already stored and must be stored again: after a failed attempt, or as a
 * dead letter. It removes attempts of its history first, oldest first, then the end of its reason, then the longest
 * headers of its sender. Otherwise the message would be lost, or its worker would fail on it again and again.
 */
export function shortenHeaders(properties: Options.Publish, limit: number): Options.Publish {
  const table: Table = { ...(properties.headers as Table) };
  const excess = () => headerBytes({ headers: table }) - limit;
  if (excess() > 0 && typeof table[HISTORY] === 'string') shortenHistory(table, table[HISTORY], excess());
  if (excess() > 0 && typeof table[REASON] === 'string') table[REASON] = table[REASON].slice(0, LONGEST_REASON);
  const foreign = Object.keys(table)
    .filter((name) => !OWN.test(name) || name === 'x-brokkr-headers')
    .toSorted((one, other) => bytesOf(table, other) - bytesOf(table, one));
  for (const name of foreign) {
    if (excess() <= 0) break;
    delete table[name];
  }
  return { ...properties, headers: table };
}

/** Drops stack traces and causes, then the oldest attempts, until the history is `excess` bytes shorter or empty. */
function shortenHistory(table: Table, history: string, excess: number): void {
  const most = Buffer.byteLength(history) - excess;
  const attempts = readHistory(history).map(withoutStack);
  let first = 0;
  let bytes = 1 + attempts.reduce((sum, attempt) => sum + Buffer.byteLength(attempt) + 1, 0);
  for (; bytes > most && first < attempts.length; first++) bytes -= Buffer.byteLength(attempts[first] as string) + 1;
  if (first === attempts.length) delete table[HISTORY];
  else table[HISTORY] = `[${attempts.slice(first).join(',')}]`;
}

/** An attempt as JSON, made of fields that are known to be small: another program may have written the history. */
function withoutStack({ attempt, at, worker, error: { name, message } }: Attempt): string {
  return JSON.stringify({ attempt, at, worker, error: { name, message } });
}

function bytesOf(table: Table, name: string): number {
  return Buffer.byteLength(name) + Buffer.byteLength(String(table[name])) + HEADER_EXTRA_BYTES;
}
