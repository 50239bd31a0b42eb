import type { Envelope } from '@brokkr/core/adapter';

/** One message as the broker keeps it: where it stands, and its three counters but attempts, which are the core's. */
export interface StoredMessage {
  envelope: KeptEnvelope;
  state: 'ready' | 'delayed' | 'held' | 'gone';
  /** Number of its last hand-over. */
  fence: number;
  crashes: number;
  /** When it becomes ready, on the monotonic clock; for a delayed one. */
  dueAt: number;
  /** What is left of its delay when it becomes ready: more than the broker waits for at once. */
  remainingDelayMs: number;
  /** When its lease runs out, on the monotonic clock; for a held one. */
  leaseEndsAt: number;
  /** The line it stands in, and its neighbors there: of what is ready, or of what one consumer holds. */
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
 * An envelope as it is kept: copied, as a wire would copy it. Its bytes are one string (each character a byte), which
 * nobody can change, and which costs the garbage collector less than a buffer.
 */
export interface KeptEnvelope extends Omit<Envelope, 'body'> {
  readonly bytes: string;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** The copy to keep: whoever changes theirs changes nothing here. */
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

/** The copy to hand out: byte for byte what was published. */
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

/** Fields that are not there stay away, as on a wire. */
function copyOptional(
  { notBefore, expiresAt, idempotencyKey, idempotencyTtlMs }: Optional,
  to: Writable<Optional>,
): void {
  if (notBefore !== undefined) to.notBefore = notBefore;
  if (expiresAt !== undefined) to.expiresAt = expiresAt;
  if (idempotencyKey !== undefined) to.idempotencyKey = idempotencyKey;
  if (idempotencyTtlMs !== undefined) to.idempotencyTtlMs = idempotencyTtlMs;
}
