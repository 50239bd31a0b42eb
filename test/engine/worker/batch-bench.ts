import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { type Batch, TaskManager } from '@brokkr/core';
import type { BatchTaskOptions } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import { onTestFinished } from 'vitest';

export type Handler = (items: string[], batch: Batch) => void | Promise<void>;

/** A worker with a batch task of at most three items, on a memory broker whose clock the test moves. */
export function batchBench(options: Partial<BatchTaskOptions<string>>, handler: Handler, concurrency = 2) {
  const clock = new ManualClock();
  const broker = new MemoryBroker({ clock });
  const tm = TaskManager.getInstance(`batches-${randomUUID()}`);
  tm.configure({ broker, clock, logLevel: 'silent', lease: '30s' });
  onTestFinished(() => tm.close());
  const calls: string[][] = [];
  const task = tm.batchTask(
    { name: 'index', maxRetries: 2, retryDelay: '1s', ...options, batch: { size: 3, timeout: '2s', ...options.batch } },
    (items: string[], batch) => {
      calls.push([...items]);
      return handler(items, batch);
    },
  );
  const worker = tm.createWorker({ concurrency });
  const events: string[] = [];
  for (const event of ['succeeded', 'retrying', 'dead', 'expired', 'cancelled', 'leaseLost'] as const)
    worker.on(event, ({ id }) => events.push(`${event} ${names.get(id) ?? '?'}`));
  const names = new Map<string, string>();
  const send = async (...items: string[]) => {
    const handles = await task.sendMany(items.map((item) => [item] as [string]));
    for (const [index, { id }] of handles.entries()) names.set(id, items[index] as string);
    return handles;
  };
  const counts = () => broker.inspector.counts('default');
  return { clock, broker, tm, task, worker, calls, events, send, counts };
}
