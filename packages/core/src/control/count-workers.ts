import type { Broker } from '../broker/broker.ts';
import type { QueueReport } from '../broker/inspector.ts';
import { readLane } from '../broker/lane-names.ts';
import type { AgedReport, WorkerDirectory } from '../broker/worker-directory.ts';

/** Consumers are the only count for more queues: a wait for the reports of so large a system could take long. */
const MOST_COMPARED = 200;

/**
 * How many workers each queue has: the consumers that the server counts, or the living workers that serve the queue if
 * they are more. A worker that is quiet or stopping serves none. A full worker, and one whose queue is paused, may have no
 * consumer. So the reports of workers are read if messages wait in a queue without consumers, or if the server counts no
 * consumers.
 * @returns a queue is left out if neither is known
 */
export async function countWorkers(
  { workers }: Broker,
  queues: readonly QueueReport[],
): Promise<ReadonlyMap<string, number>> {
  const counted = new Map<string, number>();
  const readable = queues.filter(({ error }) => error === undefined);
  for (const { queue, consumers } of queues) if (consumers !== undefined) counted.set(queue, consumers);
  const areUncounted = readable.some(({ consumers }) => consumers === undefined);
  const mayMiss = queues.length <= MOST_COMPARED && readable.some(waitsWithoutConsumer);
  if (workers === undefined || !(areUncounted || mayMiss)) return counted;
  const reports = areUncounted ? await workers.reports() : await permittedReports(workers);
  const serving = reports.filter(({ report }) => report.state === 'running');
  for (const { queue } of readable) {
    // A worker serves all priorities of a queue.
    const name = readLane(queue).queue;
    const living = serving.filter(({ report }) => Object.hasOwn(report.queues, name)).length;
    counted.set(queue, Math.max(counted.get(queue) ?? 0, living));
  }
  return counted;
}

function waitsWithoutConsumer({ consumers, ready = 0, delayed = 0 }: QueueReport): boolean {
  return consumers === 0 && ready + delayed > 0;
}

/** None if the user has no right to reports: the consumers are known. */
async function permittedReports(workers: WorkerDirectory): Promise<readonly AgedReport[]> {
  try {
    return await workers.reports();
  } catch (error) {
    if ((error as { code?: unknown }).code === 'QUEUE_REFUSED') return [];
    throw error;
  }
}
