// Heap of a process that sends to and works for a Redis queue, after a forced collection. Run with node --expose-gc and
// a URL.
import { payload } from './contenders.mjs';
import { manager } from './redis-contenders.mjs';

const FIRST = 100_000;
const LAST = 1_000_000;
const AHEAD = 5_000;

const tm = await manager(process.argv[2]);
let done = 0;
let wake = () => undefined;
const noop = tm.task({ name: 'noop' }, async (_payload) => {
  done++;
  wake();
});
await tm.createWorker({ concurrency: 100 }).start();

let sent = 0;
async function heapAt(count) {
  while (done < count) {
    if (sent < count && sent - done < AHEAD) {
      await noop.sendMany(Array.from({ length: 1_000 }, () => [payload]));
      sent += 1_000;
    } else {
      await new Promise((resolve) => {
        wake = resolve;
      });
    }
  }
  // After everything is settled, too.
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (let round = 0; round < 3; round++) {
    globalThis.gc();
    await new Promise(setImmediate);
  }
  return process.memoryUsage().heapUsed / 2 ** 20;
}

const first = await heapAt(FIRST);
const last = await heapAt(LAST);
console.log(
  `worker heap at 100,000 jobs ${first.toFixed(2)} MiB, at 1,000,000 ${last.toFixed(2)} MiB: ${(last - first).toFixed(2)} MiB more`,
);
await tm.close();
