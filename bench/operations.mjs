// What operations cost a message: reports of workers, telemetry, counts. Rounds of all variants are interleaved, and processor
// time is measured, so that a noisy machine is noisy for all. Prints medians, and their differences.
//
//   node bench/operations.mjs
import { createBroker } from '@brokkr/broker-memory';
import { TaskManager } from '@brokkr/core';
import { otel } from '@brokkr/otel';
import pino from 'pino';
import { tsImport } from 'tsx/esm/api';
import { median } from './median.mjs';

const ROUNDS = Number(process.env.BROKKR_BENCH_ROUNDS ?? 16);
const COUNT = Number(process.env.BROKKR_BENCH_COUNT ?? 100_000);
const SLICE = 1_000;

const quiet = pino({ level: 'info' }, { write: () => undefined });

/** Sends and runs messages on the memory broker. @returns microseconds of processor time for each */
async function drain({ telemetry = [], reports = true, scrape = false }) {
  const broker = createBroker('memory:');
  const given = reports ? broker : without(broker, 'workers');
  const tm = TaskManager.getInstance(`bench-${Math.random()}`);
  await tm.initialize({ broker: given, logger: quiet, telemetry });
  const noop = tm.task({ name: 'noop' }, async (_payload) => {});
  const worker = tm.createWorker({ concurrency: 100 });
  await worker.start();
  if (scrape) tm.metrics();
  const payload = { userId: 'u-4711', kind: 'welcome', tags: ['a', 'b', 'c'] };
  const before = process.cpuUsage();
  for (let sent = 0; sent < COUNT; sent += SLICE) {
    await Promise.all(Array.from({ length: SLICE }, () => noop.send(payload)));
    while ((await broker.inspector.counts('default')).acknowledged < sent + SLICE) await new Promise(setImmediate);
  }
  const { user, system } = process.cpuUsage(before);
  await tm.close();
  return (user + system) / COUNT;
}

/** A broker without one of its parts. Its methods are bound once: a proxy would cost more than the part. */
function without(broker, part) {
  return {
    ...broker,
    publish: broker.publish.bind(broker),
    subscribe: broker.subscribe.bind(broker),
    close: broker.close.bind(broker),
    [part]: undefined,
  };
}

const variants = {
  'as shipped': {},
  'without reports': { reports: false },
  'metrics scraped': { scrape: true },
  'otel, no provider': { telemetry: [otel()] },
};

const costs = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
for (let round = 0; round <= ROUNDS; round++) {
  const names = Object.keys(variants);
  // Each variant comes first in some rounds: the garbage of one is collected during the next.
  for (const name of [...names.slice(round % names.length), ...names.slice(0, round % names.length)]) {
    const options = variants[name];
    const cost = await drain(options);
    // The first round warms up.
    if (round > 0) costs[name].push(cost);
  }
}
// The quietest round is the one in which other programs of the machine took the least.
const quietest = (all) => Math.min(...all);
for (const [name, all] of Object.entries(costs)) {
  const [middle, least] = [median, quietest].map((of) => {
    const share = ((of(all) / of(costs['as shipped']) - 1) * 100).toFixed(1);
    return `${of(all).toFixed(2)} µs ${share.padStart(5)} %`;
  });
  console.log(`${name.padEnd(18)} median ${middle}  quietest round ${least}`);
}

const { Stats } = await tsImport('../packages/core/src/worker/stats.ts', import.meta.url);
const perRun = [];
for (let round = 0; round <= ROUNDS; round++) {
  const stats = new Stats();
  const startedAt = performance.now();
  for (let run = 0; run < 1_000_000; run++) stats.ended('default', 'noop', 'succeeded', (run % 100) / 10, run % 1_000);
  if (round > 0) perRun.push((performance.now() - startedAt) / 1_000);
}
console.log(`Stats: ${median(perRun).toFixed(3)} µs a run`);
