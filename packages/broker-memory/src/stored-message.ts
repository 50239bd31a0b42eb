import type { Envelope } from '@brokkr/core/adapter';

/** A stored message: its state, and the counters that the broker keeps. The core keeps the number of attempts. */
export interface StoredMessage {
  envelope: KeptEnvelope;
  state: 'ready' | 'delayed' | 'held' | 'gone';
  /** Number of its last delivery. */
  fence: number;
  crashes: number;
  /** When a delayed message becomes ready, on the monotonic clock. */
  dueAt: number;
  /** Rest of its delay at that time, if the delay is longer than one hop. */
  remainingDelayMs: number;
  /** When the lease of a held message expires, on the monotonic clock. */
  leaseEndsAt: number;
  /** The line that contains it, and its neighbors there: the ready messages, or those that one consumer holds. */
  line: object | undefined;
  before: StoredMessage | undefined;
  after: StoredMessage | undefined;
}

/** A message that is in no line yet. */
export function newMessage(envelope: KeptEnvelope): StoredMessage {
  return {
    envelope,
    state: 'gone',
    fence: 0,
    crashes: 0,
    dueAt: 0,
    remainingDelayMs: 0,
    leaseEndsAt: 0,
    line: undefined,
    before: undefined,
    after: undefined,
  };
}

/**
 * A stored envelope: a copy, as after a transfer to a server. Its body is one string (each character a byte), which
 * cannot be changed and is cheaper for the garbage collector than a buffer.
 */
export interface KeptEnvelope extends Omit<Envelope, 'body'> {
  readonly bytes: string;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Copies an envelope for storage: later changes by the sender have no effect. */
export function keptEnvelope(envelope: Envelope, queue: string = envelope.queue): KeptEnvelope {
  const { body } = envelope;
  const buffer = Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const kept: Writable<KeptEnvelope> = {
    id: envelope.id,
    queue,
    bytes: buffer.toString('latin1'),
    headers: { ...envelope.headers },
  };
  copyOptional(envelope, kept);
  return kept;
}

/** Copies a stored envelope for a delivery, with the same bytes. */
export function handedOut(kept: KeptEnvelope): Envelope {
  const envelope: Writable<Envelope> = {
    id: kept.id,
    queue: kept.queue,
    body: Buffer.from(kept.bytes, 'latin1'),
    headers: { ...kept.headers },
  };
  copyOptional(kept, envelope);
  return envelope;
}

type Optional = Pick<Envelope, 'notBefore' | 'expiresAt' | 'idempotencyKey' | 'idempotencyTtlMs'>;

/** Copies the optional fields that are set. */
function copyOptional(
  { notBefore, expiresAt, idempotencyKey, idempotencyTtlMs }: Optional,
  to: Writable<Optional>,
): void {
  if (notBefore !== undefined) to.notBefore = notBefore;
  if (expiresAt !== undefined) to.expiresAt = expiresAt;
  if (idempotencyKey !== undefined) to.idempotencyKey = idempotencyKey;
  if (idempotencyTtlMs !== undefined) to.idempotencyTtlMs = idempotencyTtlMs;
}
