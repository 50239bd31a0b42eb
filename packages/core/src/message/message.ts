/** One request to run a task: the domain value that middleware, policies and handlers see. */
export interface Message {
  readonly id: string;
  /** Task name. */
  readonly task: string;
  readonly queue: string;
  readonly args: readonly unknown[];
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  /** Retries after the first attempt, where the sender overrides the task's own. */
  readonly maxRetries?: number | undefined;
  /** Milliseconds of one attempt, where the sender overrides the task's own. */
  readonly timeoutMs?: number | undefined;
  /** The sender's headers, without Brokkr's own. */
  readonly headers: Readonly<Record<string, string>>;
  /** When it was sent, epoch milliseconds by the sender's clock. */
  readonly enqueuedAt: number;
  /** Due no earlier than this, epoch milliseconds by the sender's clock. */
  readonly notBefore?: number | undefined;
  /** Not to be started after this, epoch milliseconds by the sender's clock. */
  readonly expiresAt?: number | undefined;
  readonly idempotencyKey?: string | undefined;
}
