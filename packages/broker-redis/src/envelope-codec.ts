import type { Envelope } from '@brokkr/core';

const NEWLINE = 0x0a;

/** What stands before the body: short names, because every queued message carries them. */
interface Head {
  readonly h?: Readonly<Record<string, string>>;
  readonly n?: number;
  readonly x?: number;
  readonly k?: string;
}

/** A message as Redis keeps it: one line of JSON (`h`eaders, `n`otBefore, e`x`piresAt, `k`ey), then the body as it is. */
export function encodeEnvelope({ headers, notBefore, expiresAt, idempotencyKey, body }: Envelope): Buffer {
  const head: Head = {
    h: headers,
    ...(notBefore !== undefined && { n: notBefore }),
    ...(expiresAt !== undefined && { x: expiresAt }),
    ...(idempotencyKey !== undefined && { k: idempotencyKey }),
  };
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body]);
}

/** The envelope of these bytes; what nobody of ours has written is a body without headers, which the core sorts out. */
export function decodeEnvelope(id: string, queue: string, bytes: Buffer): Envelope {
  const end = bytes.indexOf(NEWLINE);
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
  };
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
  const { h, n, x, k } = head as Record<string, unknown>;
  return (
    typeof h === 'object' &&
    h !== null &&
    Object.values(h).every((value) => typeof value === 'string') &&
    [n, x].every((time) => time === undefined || typeof time === 'number') &&
    (k === undefined || typeof k === 'string')
  );
}
