// Drains a queue with no limit, with limits that grant everything, and with BullMQ's limiter, in one run on one server.
// node bench/redis-limits.mjs [messages] [rounds]
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { payload } from './contenders.mjs';
import { median } from './median.mjs';
import { manager } from './redis-contenders.mjs';
import { Redis } from 'ioredis';

const COUNT = Number(process.argv[2] ?? 20_000);
const ROUNDS = Number(process.argv[3] ?? 3);
const CONCURRENCY = 50;
const PLENTY = 1_000_000;

const port = await freePort();
const server = spawn('redis-server', ['--port', String(port), '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
const redis = new Redis({ port, retryStrategy: () => 50, maxRetriesPerRequest: null });
await redis.ping();

/** Jobs a second of a drain with these limits. */
async function brokkr(limitsOf) {
  const tm = await manager(`redis://127.0.0.1:${port}`);
  const limits = limitsOf(tm);
  let done = 0;
  let all = () => undefined;
  const options = { name: 'noop', ...(limits.length > 0 && { limits }) };
  const noop = tm.task(options, async (_payload) => {
    if (++done === COUNT) all();
  });
  for (let sent = 0; sent < COUNT; sent += 1_000) await noop.sendMany(Array.from({ length: 1_000 }, () => [payload]));
  const finished = new Promise((resolve) => {
    all = resolve;
  });
  const startedAt = performance.now();
  await tm.createWorker({ concurrency: CONCURRENCY }).start();
  await finished;
  const rate = COUNT / ((performance.now() - startedAt) / 1_000);
  await tm.close();
  return rate;
}

/** The same with BullMQ, whose limiter is one for the queue. */
async function bullmq(limiter) {
  const { Queue, Worker } = createRequire(fileURLToPath(new URL('./peers/package.json', import.meta.url)))('bullmq');
  const connection = { port, host: '127.0.0.1', maxRetriesPerRequest: null };
  const queue = new Queue('bench', { connection });
  for (let sent = 0; sent < COUNT; sent += 1_000) {
    const job = { name: 'noop', data: payload, opts: { removeOnComplete: true } };
    await queue.addBulk(Array.from({ length: 1_000 }, () => job));
  }
  await queue.close();
  let done = 0;
  const startedAt = performance.now();
  const worker = new Worker('bench', async () => undefined, { connection, concurrency: CONCURRENCY, ...limiter });
  await new Promise((resolve) =>
    worker.on('completed', () => {
      if (++done === COUNT) resolve();
    }),
  );
  const rate = COUNT / ((performance.now() - startedAt) / 1_000);
  await worker.close();
  return rate;
}

const rate = (tm) => tm.limit({ name: 'rate', rate: PLENTY, burst: PLENTY });
const slots = (tm) => tm.limit({ name: 'slots', concurrency: PLENTY });
const exact = (tm) => tm.limit({ name: 'exact', concurrency: CONCURRENCY });
const contenders = {
  'no limit': () => brokkr(() => []),
  'a rate': () => brokkr((tm) => [rate(tm)]),
  slots: () => brokkr((tm) => [slots(tm)]),
  'slots, as the worker': () => brokkr((tm) => [exact(tm)]),
  both: () => brokkr((tm) => [rate(tm), slots(tm)]),
  'bullmq, no limit': () => bullmq({}),
  'bullmq, limiter': () => bullmq({ limiter: { max: PLENTY, duration: 1_000 } }),
};

const rates = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, drain] of Object.entries(contenders)) {
    await redis.flushall();
    rates[name].push(
      await drain().catch((error) => {
        if (!name.startsWith('bullmq')) throw error;
        return Number.NaN;
      }),
    );
  }
}
const base = median(rates['no limit']);
for (const [name, all] of Object.entries(rates)) {
  const each = Math.round(median(all));
  console.log(`${name.padEnd(22)} ${String(each).padStart(7)}/s  ${(each / base).toFixed(2)} of no limit`);
}
redis.disconnect();
server.kill();

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port: free } = probe.address();
  probe.close();
  return free;
}
