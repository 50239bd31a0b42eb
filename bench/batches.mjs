// A batch task of 100 against the same task without batches, on the memory broker, and on Redis if one runs at
// BROKKR_BENCH_REDIS. Ten batches of 100 are 1,000 messages in flight: therefore the plain task also runs with 1,000 slots.
// Rounds are interleaved, so that a noisy machine is noisy for all. Prints medians of this run.
import { TaskManager } from '@brokkr/core';
import pino from 'pino';
import { payload } from './contenders.mjs';
import { median } from './median.mjs';

const ROUNDS = Number(process.env.BROKKR_BENCH_ROUNDS ?? 5);
const COUNT = Number(process.env.BROKKR_BENCH_COUNT ?? 50_000);
const BULK = 1_000;
const quiet = pino({ level: 'info' }, { write: () => undefined });
const urls = ['memory:', ...(process.env.BROKKR_BENCH_REDIS === undefined ? [] : [process.env.BROKKR_BENCH_REDIS])];

/**
 * Fills a queue with `COUNT` messages, then lets a worker run them.
 * @returns messages a second, and microseconds of this process's processor time for each message
 */
async function drain(url, define, concurrency) {
  const tm = TaskManager.getInstance(`bench-${Math.random()}`);
  await tm.initialize({ brokerUrl: url, namespace: `bench-${Math.random()}`.replace('.', ''), logger: quiet });
  let done = 0;
  let finish;
  const finished = new Promise((resolve) => {
    finish = resolve;
  });
  const task = define(tm, (count) => {
    done += count;
    if (done === COUNT) finish();
  });
  for (let sent = 0; sent < COUNT; sent += BULK)
    await task.sendMany(Array.from({ length: Math.min(BULK, COUNT - sent) }, () => [payload]));
  const worker = tm.createWorker({ concurrency });
  const startedAt = performance.now();
  const used = process.cpuUsage();
  await worker.start();
  await finished;
  const rate = COUNT / ((performance.now() - startedAt) / 1_000);
  const { user, system } = process.cpuUsage(used);
  await tm.close();
  return { rate, cpu: (user + system) / COUNT };
}

const turn = () => new Promise(setImmediate);
const plain = (wait) => (tm, ran) =>
  tm.task({ name: 'noop' }, async (_payload) => {
    if (wait) await turn();
    ran(1);
  });
const batch = (wait) => (tm, ran) =>
  tm.batchTask({ name: 'noop', batch: { size: 100, timeout: '1s' } }, async (items) => {
    if (wait) await turn();
    ran(items.length);
  });
const contendersOf = (wait) => ({
  'one by one, concurrency 100': (url) => drain(url, plain(wait), 100),
  'one by one, concurrency 1,000': (url) => drain(url, plain(wait), 1_000),
  'batches of 100, concurrency 1': (url) => drain(url, batch(wait), 1),
  'batches of 100, concurrency 10': (url) => drain(url, batch(wait), 10),
});

for (const url of urls) {
  for (const [handler, contenders] of [
    ['handlers that do nothing', contendersOf(false)],
    ['handlers that wait for a turn of the event loop', contendersOf(true)],
  ]) {
    const runs = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [name, run] of Object.entries(contenders)) {
        globalThis.gc?.();
        const measured = await run(url);
        // The first round warms up.
        if (round > 0) runs[name].push(measured);
      }
    }
    console.log(`${url.split(':')[0]}, ${handler}`);
    const medianOf = (all, field) => median(all.map((each) => each[field]));
    const [base] = Object.values(runs);
    for (const [name, all] of Object.entries(runs)) {
      const rate = medianOf(all, 'rate');
      const ratio = (rate / medianOf(base, 'rate')).toFixed(2);
      const cpu = medianOf(all, 'cpu');
      const cpuRatio = (cpu / medianOf(base, 'cpu')).toFixed(2);
      const figures = `${String(Math.round(rate / 1_000)).padStart(4)} k/s  ${ratio}  ${cpu.toFixed(1).padStart(5)} µs  ${cpuRatio}`;
      console.log(`  ${name.padEnd(32)} ${figures}`);
    }
  }
}
