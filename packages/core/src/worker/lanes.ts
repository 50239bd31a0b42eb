import type { Logger } from 'pino';
import { type Lane, type LaneOptions, openLane } from './lane.ts';

/** Subscribes to all queues. If one of them fails, the others are closed again. @throws what `Broker.subscribe` throws */
export async function openLanes(
  queues: ReadonlyMap<string, number>,
  options: Omit<LaneOptions, 'queue' | 'weight'>,
  logger: Logger,
): Promise<readonly Lane[]> {
  // All at the same time: RabbitMQ takes 10 ms and more to declare a queue, and a worker may serve a thousand.
  const opened = await Promise.allSettled(
    [...queues].map(([queue, weight]) => openLane({ ...options, queue, weight })),
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
