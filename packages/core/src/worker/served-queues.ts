import type { Logger } from 'pino';
import { openServedQueue, type ServedQueue, type ServedQueueOptions } from './served-queue.ts';
import { prefetchFor } from './prefetch-for.ts';

export interface ServedQueuesOptions
  extends Omit<ServedQueueOptions, 'queue' | 'weight' | 'prefetch' | 'hasPriorities'> {
  /** Weights of the queues by name. */
  readonly queues: ReadonlyMap<string, number>;
  readonly concurrency: number;
  readonly largestBatch: (queue: string) => number;
  readonly hasPriorities: (queue: string) => boolean;
  readonly logger: Logger;
}

/** Subscribes to all queues. If one of them fails, the others are closed again. @throws what `Broker.subscribe` throws */
export async function openServedQueues(options: ServedQueuesOptions): Promise<readonly ServedQueue[]> {
  const { queues, concurrency, largestBatch, hasPriorities, logger, ...all } = options;
  // All at the same time: RabbitMQ takes 10 ms and more to declare a queue, and a worker may serve a thousand.
  const opened = await Promise.allSettled(
    [...queues].map(([queue, weight]) =>
      openServedQueue({
        ...all,
        queue,
        weight,
        prefetch: prefetchFor(concurrency, largestBatch(queue)),
        hasPriorities: hasPriorities(queue),
      }),
    ),
  );
  const served = opened.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const failed = opened.find((outcome) => outcome.status === 'rejected');
  if (failed === undefined) return served;
  await closeServedQueues(served, logger);
  throw failed.reason;
}

/** Closes the subscriptions. Never rejects. */
export async function closeServedQueues(served: readonly ServedQueue[], logger: Logger): Promise<void> {
  // All at the same time: one that hangs must not keep the others from returning their prefetched messages.
  await Promise.all(
    served.map(({ queue, subscription }) =>
      subscription.close().catch((error: unknown) => logger.warn({ error, queue }, 'closing a subscription failed')),
    ),
  );
}
