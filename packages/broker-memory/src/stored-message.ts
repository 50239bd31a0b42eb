import type { Envelope } from '@brokkr/core';

/** One message as the broker keeps it: where it stands, and its three counters but attempts, which are the core's. */
export interface StoredMessage {
  envelope: Envelope;
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
  /** Neighbours in the line of what is ready. */
  before: StoredMessage | undefined;
  after: StoredMessage | undefined;
}

/** A copy as a wire would make it: whoever changes theirs changes nothing here. */
export function copyEnvelope(envelope: Envelope, queue: string = envelope.queue): Envelope {
  const { id, body, headers, notBefore, expiresAt, idempotencyKey } = envelope;
  const copy: { -readonly [K in keyof Envelope]: Envelope[K] } = {
    id,
    queue,
    body: Buffer.from(body),
    headers: { ...headers },
  };
  if (notBefore !== undefined) copy.notBefore = notBefore;
  if (expiresAt !== undefined) copy.expiresAt = expiresAt;
  if (idempotencyKey !== undefined) copy.idempotencyKey = idempotencyKey;
  return copy;
}
