import type { Logger } from 'pino';
import { type Lane, type LaneOptions, openLane } from './lane.ts';
import { prefetchFor } from './prefetch-for.ts';

export interface LanesOptions extends Omit<LaneOptions, 'queue' | 'weight' | 'prefetch' | 'hasPriorities'> {
  /** Weights of the queues by name. */
  readonly queues: ReadonlyMap<string, number>;
  readonly concurrency: number;
  readonly largestBatch: (queue: string) => number;
  readonly hasPriorities: (queue: string) => boolean;
  readonly logger: Logger;
}

/** Subscribes to all queues. If one of them fails, the others are closed again. @throws what `Broker.subscribe` throws */
export async function openLanes(options: LanesOptions): Promise<readonly Lane[]> {
  const { queues, concurrency, largestBatch, hasPriorities, logger, ...all } = options;
  // All at the same time: RabbitMQ takes 10 ms and more to declare a queue, and a worker may serve a thousand.
  const opened = await Promise.allSettled(
    [...queues].map(([queue, weight]) =>
      openLane({
        ...all,
        queue,
        weight,
        prefetch: prefetchFor(concurrency, largestBatch(queue)),
        hasPriorities: hasPriorities(queue),
      }),
    ),
  );
  const lanes = opened.flatMap((lane) => (lane.status === 'fulfilled' ? [lane.value] : []));
  const failed = opened.find((lane) => lane.status === 'rejected');
  if (failed === undefined) return lanes;
  await closeLanes(lanes, logger);
  throw failed.reason;
}

/** Closes the subscriptions. Never rejects. */
export async function closeLanes(lanes: readonly Lane[], logger: Logger): Promise<void> {
  // All at the same time: one that hangs must not keep the others from returning their prefetched messages.
  await Promise.all(
    lanes.map(({ queue, subscription }) =>
      subscription.close().catch((error: unknown) => logger.warn({ error, queue }, 'closing a subscription failed')),
    ),
  );
}
