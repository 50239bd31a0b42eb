import type { BulkJob, Listed, Overview, QueueRow, TaskRow, Topic, WorkerRow } from '../../../src/api/types.ts';
import { ApiError, apiUrl, get } from './client.ts';
import { now } from './clock.ts';
import { takeEvent } from './live-data.ts';

/** Asks for each topic once, as the stream would send it. @throws ApiError */
export async function poll(broker: string, topics: readonly Topic[], signal: AbortSignal): Promise<void> {
  for (const topic of topics) await pollOne(broker, topic, signal);
}

async function pollOne(broker: string, topic: Topic, signal: AbortSignal): Promise<void> {
  if (topic === 'overview') {
    const value = await get<Overview>(apiUrl([broker, 'overview']), signal);
    takeEvent({ topic, at: value.at, value });
  } else if (topic === 'queues') {
    takeEvent({ topic, ...(await list<QueueRow>(broker, topic, signal)) });
  } else if (topic === 'workers') {
    takeEvent({ topic, ...(await list<WorkerRow>(broker, topic, signal)) });
  } else if (topic === 'tasks') {
    takeEvent({ topic, ...(await list<TaskRow>(broker, topic, signal)) });
  } else if (topic === 'bulk') {
    takeEvent({ topic, ...(await list<BulkJob>(broker, topic, signal)) });
  } else {
    await pollQueue(broker, topic.slice('queue:'.length), signal);
  }
}

/** A queue that is not known is no fault of the connection: its page says so. */
async function pollQueue(broker: string, name: string, signal: AbortSignal): Promise<void> {
  try {
    const value = await get<QueueRow>(apiUrl([broker, 'queues', name]), signal);
    takeEvent({ topic: `queue:${name}`, at: now.peek(), value });
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  }
}

async function list<Row>(broker: string, topic: string, signal: AbortSignal) {
  const listed = await get<Listed<Row>>(apiUrl([broker, topic]), signal);
  return { ...listed, whole: true, gone: [] };
}
