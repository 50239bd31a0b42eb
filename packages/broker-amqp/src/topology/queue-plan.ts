import type { Names } from './names.ts';

/**
 * A queue that reaches the length of a policy refuses new messages, and their senders get `BROKER_FULL`. Without this
 * argument RabbitMQ would drop the oldest messages, which were confirmed. An argument has precedence over `overflow` of
 * a policy.
 */
export const REFUSE_WHEN_FULL = { 'x-overflow': 'reject-publish' };

/** A queue of the server, and its arguments without those that all have. */
export interface PlannedQueue {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** The queues of the server that every queue has. */
export interface QueuePlan {
  readonly dead: PlannedQueue;
  readonly quarantine: PlannedQueue;
  readonly line: PlannedQueue;
}

/** How the queues of the server for `queue` are declared. */
export function queuePlan(names: Names, queue: string): QueuePlan {
  // For messages that the server itself removes, by a policy. A worker publishes its dead letters instead.
  const args = {
    'x-dead-letter-exchange': names.deadExchange,
    'x-dead-letter-routing-key': queue,
    ...REFUSE_WHEN_FULL,
  };
  return {
    dead: { name: names.dead(queue), args: REFUSE_WHEN_FULL },
    quarantine: { name: names.quarantine(queue), args },
    line: { name: names.queue(queue), args },
  };
}
