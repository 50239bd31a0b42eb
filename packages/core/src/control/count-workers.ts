import type { Broker } from '../broker/broker.ts';
import type { QueueReport } from '../broker/inspector.ts';
import { readLane } from '../broker/lane-names.ts';

/**
 * How many consumers each queue has: as the server counts them, else the living workers that serve the queue.
 * @returns a queue is left out if neither is known
 */
export async function countWorkers(
  { workers }: Broker,
  queues: readonly QueueReport[],
): Promise<ReadonlyMap<string, number>> {
  const counted = new Map<string, number>();
  const uncounted: string[] = [];
  for (const { queue, consumers, error } of queues) {
    if (consumers !== undefined) counted.set(queue, consumers);
    else if (error === undefined) uncounted.push(queue);
  }
  // A server that counts no consumers keeps the reports of workers, so that this is one short read.
  if (uncounted.length === 0 || workers === undefined) return counted;
  const reports = await workers.reports();
  for (const queue of uncounted) {
    // A worker serves all priorities of a queue.
    const name = readLane(queue).queue;
    counted.set(queue, reports.filter(({ report }) => Object.hasOwn(report.queues, name)).length);
  }
  return counted;
}
