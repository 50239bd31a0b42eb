// A batch task of 100 against the same task without batches, on the memory broker, and on Redis if one runs at
// BROKKR_BENCH_REDIS. Rounds are interleaved, so that a noisy machine is noisy for all. Prints medians of this run.
import { TaskManager } from '@brokkr/core';
import pino from 'pino';
import { payload } from './contenders.mjs';
import { median } from './median.mjs';

const ROUNDS = Number(process.env.BROKKR_BENCH_ROUNDS ?? 5);
const COUNT = Number(process.env.BROKKR_BENCH_COUNT ?? 50_000);
const BULK = 1_000;
const quiet = pino({ level: 'info' }, { write: () => undefined });
const urls = ['memory:', ...(process.env.BROKKR_BENCH_REDIS === undefined ? [] : [process.env.BROKKR_BENCH_REDIS])];

/** Fills a queue with `COUNT` messages, then lets a worker run them. @returns messages a second */
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
  await worker.start();
  await finished;
  const rate = COUNT / ((performance.now() - startedAt) / 1_000);
  await tm.close();
  return rate;
}

const single = (tm, ran) => tm.task({ name: 'noop' }, async (_payload) => ran(1));
const batch = (tm, ran) =>
  tm.batchTask({ name: 'noop', batch: { size: 100, timeout: '1s' } }, async (items) => ran(items.length));
const contenders = {
  'one by one, concurrency 100': (url) => drain(url, single, 100),
  'batches of 100, concurrency 1': (url) => drain(url, batch, 1),
  'batches of 100, concurrency 10': (url) => drain(url, batch, 10),
};

for (const url of urls) {
  const rates = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      const rate = await run(url);
      // The first round warms up.
      if (round > 0) rates[name].push(rate);
    }
  }
  const [plain] = Object.values(rates);
  for (const [name, all] of Object.entries(rates)) {
    const ratio = (median(all) / median(plain)).toFixed(2);
    console.log(`${url.split(':')[0].padEnd(7)} ${name.padEnd(32)} ${Math.round(median(all) / 1_000)} k/s  ${ratio}`);
  }
}
