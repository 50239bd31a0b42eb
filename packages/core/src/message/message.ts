import type { Priority } from '../broker/lane-names.ts';

/** A request to run a task, as middleware, retry policies and handlers see it. */
export interface Message {
  readonly id: string;
  /** Task name. */
  readonly task: string;
  readonly queue: string;
  /** Lane of an outgoing message; `undefined` for the normal one, and for messages that were received. */
  readonly priority?: Priority | undefined;
  readonly args: readonly unknown[];
  /** Version of the arguments, 2 or more; `undefined` for version 1. */
  readonly version?: number | undefined;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  /** Retries after the first attempt, if the sender overrides those of the task. */
  readonly maxRetries?: number | undefined;
  /** Time limit of one attempt in milliseconds, if the sender overrides that of the task. */
  readonly timeoutMs?: number | undefined;
  /** The sender's headers, without Brokkr's own. */
  readonly headers: Readonly<Record<string, string>>;
  /** When the message was sent, in epoch milliseconds by the sender's clock. */
  readonly enqueuedAt: number;
  /** The message must not start before this time, in epoch milliseconds by the sender's clock. */
  readonly notBefore?: number | undefined;
  /** The message must not start after this time, in epoch milliseconds by the sender's clock. */
  readonly expiresAt?: number | undefined;
  /** The limits that it needs permits of, as its header carries them. */
  readonly limits?: string | undefined;
  readonly idempotencyKey?: string | undefined;
  /** How long the key is remembered, in milliseconds; `undefined` for `TASK_IDEMPOTENCY_TTL`. */
  readonly idempotencyTtlMs?: number | undefined;
}
