// Heap after a forced collection at 100,000 and at 1,000,000 tasks of one worker: a leak would show as the difference.
import { TaskManager } from '@brokkr/core';
import { payload } from './contenders.mjs';

const tm = TaskManager.getInstance();
await tm.initialize({ brokerUrl: 'memory:', logLevel: 'silent' });
const noop = tm.task({ name: 'noop' }, async (_payload) => {});
const worker = tm.createWorker({ concurrency: 100 });
await worker.start();
const broker = await tm.broker();

let total = 0;
async function heapAt(count) {
  for (; total < count; total += 1_000) await Promise.all(Array.from({ length: 1_000 }, () => noop.send(payload)));
  while ((await broker.inspector.counts('default')).acknowledged < count) await new Promise(setImmediate);
  globalThis.gc();
  await new Promise(setImmediate);
  globalThis.gc();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

const first = await heapAt(100_000);
const last = await heapAt(1_000_000);
console.log(
  `heap at 100,000 tasks ${first.toFixed(2)} MiB, at 1,000,000 ${last.toFixed(2)} MiB: ${(last - first).toFixed(2)} MiB more; aim 2 MiB or less`,
);
await tm.close();
