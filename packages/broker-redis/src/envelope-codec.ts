import type { Envelope } from '@brokkr/core/adapter';
import { keyDigest } from './key-digest.ts';

/** Longest line that is read. Headers have 64 KiB characters at most, of up to 6 bytes in JSON; another client may write any. */
const MOST_LINE_BYTES = 1_048_576;
const NEWLINE = 0x0a;
const BRACE = 0x7b;

/** The line before the body. Its names are short, because every queued message carries them. */
interface Head {
  /** Digest of the idempotency key. First, where scripts look for it. */
  readonly d?: string;
  readonly h?: Readonly<Record<string, string>>;
  readonly n?: number;
  readonly x?: number;
  readonly k?: string;
  readonly t?: number;
}

/** Most messages have only headers with this prefix. Without it they fit in a short line. */
const PREFIX = 'brokkr-';
const SHORT_NAME = /^brokkr-[a-z-]{1,32}$/;
const SHORT_VALUE = /^[!-~]{1,120}$/;
const SHORT_LINE = /^[a-z-]{1,32}=[!-~]{1,120}(?: [a-z-]{1,32}=[!-~]{1,120})*$/;

/**
 * A message as Redis stores it: one line, then the body as it is. The line is `task=NAME at=TIME` if a message has only
 * the short headers of the core, else JSON: `d`igest of the key, `h`eaders, `n`otBefore, e`x`piresAt, `k`ey, life of the
 * key in ms (`t`).
 */
export function encodeEnvelope(envelope: Envelope): Buffer {
  const { body } = envelope;
  const line = headLine(envelope);
  const head = Buffer.byteLength(line);
  const bytes = Buffer.allocUnsafe(head + body.byteLength);
  bytes.write(line);
  bytes.set(body, head);
  return bytes;
}

/** The line before the body, with its newline. */
export function headLine(envelope: Envelope): string {
  return `${shortLine(envelope) ?? jsonLine(envelope)}\n`;
}

/** The envelope of these bytes. Bytes that Brokkr has not written, or a line over 1 MiB, become a body without headers, which the core dead-letters. */
export function decodeEnvelope(id: string, queue: string, bytes: Buffer): Envelope {
  const newline = bytes.indexOf(NEWLINE);
  const end = newline < MOST_LINE_BYTES ? newline : -1;
  if (end > 0 && bytes[0] !== BRACE) {
    const headers = readShortLine(bytes.toString('latin1', 0, end));
    if (headers !== undefined) return { id, queue, body: bytes.subarray(end + 1), headers };
  }
  const head = end < 0 ? undefined : readHead(bytes.toString('utf8', 0, end));
  if (head === undefined) return { id, queue, body: bytes, headers: {} };
  return {
    id,
    queue,
    body: bytes.subarray(end + 1),
    headers: head.h ?? {},
    ...(head.n !== undefined && { notBefore: head.n }),
    ...(head.x !== undefined && { expiresAt: head.x }),
    ...(head.k !== undefined && { idempotencyKey: head.k }),
    ...(head.t !== undefined && { idempotencyTtlMs: head.t }),
  };
}

function shortLine({ headers, notBefore, expiresAt, idempotencyKey }: Envelope): string | undefined {
  if (notBefore !== undefined || expiresAt !== undefined || idempotencyKey !== undefined) return undefined;
  let line = '';
  for (const name in headers) {
    const value = headers[name] as string;
    if (!SHORT_NAME.test(name) || !SHORT_VALUE.test(value)) return undefined;
    line += `${line === '' ? '' : ' '}${name.slice(PREFIX.length)}=${value}`;
  }
  return line === '' ? undefined : line;
}

function jsonLine({ headers, notBefore, expiresAt, idempotencyKey, idempotencyTtlMs }: Envelope): string {
  const head: Head = {
    ...(idempotencyKey !== undefined && { d: keyDigest(idempotencyKey) }),
    h: headers,
    ...(notBefore !== undefined && { n: notBefore }),
    ...(expiresAt !== undefined && { x: expiresAt }),
    ...(idempotencyKey !== undefined && { k: idempotencyKey }),
    ...(idempotencyTtlMs !== undefined && { t: idempotencyTtlMs }),
  };
  return JSON.stringify(head);
}

let lastLine = '';
let lastHeaders: Readonly<Record<string, string>> = {};

/** Reads a short line. Remembers the last one, because many messages of a burst have the same. Each gets its own copy. */
function readShortLine(line: string): Record<string, string> | undefined {
  if (line === lastLine) return { ...lastHeaders };
  if (!SHORT_LINE.test(line)) return undefined;
  const headers: Record<string, string> = {};
  for (const pair of line.split(' ')) {
    const middle = pair.indexOf('=');
    headers[PREFIX + pair.slice(0, middle)] = pair.slice(middle + 1);
  }
  lastLine = line;
  lastHeaders = { ...headers };
  return headers;
}

function readHead(line: string): Head | undefined {
  try {
    const head: unknown = JSON.parse(line);
    return isHead(head) ? head : undefined;
  } catch {
    return undefined;
  }
}

function isHead(head: unknown): head is Head {
  if (typeof head !== 'object' || head === null || !('h' in head)) return false;
  const { h, n, x, k, t } = head as Record<string, unknown>;
  return (
    typeof h === 'object' &&
    h !== null &&
    Object.values(h).every((value) => typeof value === 'string') &&
    [n, x, t].every((time) => time === undefined || typeof time === 'number') &&
    (k === undefined || typeof k === 'string')
  );
}
