// Produces and consumes together: a producer and a consumer process for each contender, started at the same time.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { payload } from './contenders.mjs';
import { manager, RAW } from './redis-contenders.mjs';

const CONCURRENCY = 50;
const WINDOW = 100;
const host = '127.0.0.1';

/** Jobs a second from the start of both until the last job has run, and the CPU seconds of both. */
export async function together(contender, port, count) {
  const both = ['produce', 'consume'].map((role) =>
    fork(fileURLToPath(import.meta.url), [contender, role, port, count]),
  );
  await Promise.all(both.map((child) => once(child, 'message')));
  const startedAt = performance.now();
  const ended = Promise.all(both.map((child) => once(child, 'message')));
  for (const child of both) child.send('go');
  const [[producer], [consumer]] = await ended;
  const seconds = (performance.now() - startedAt) / 1_000;
  for (const child of both) child.kill();
  return { rate: count / seconds, producer: (producer / count) * 10_000, own: (consumer / count) * 10_000 };
}

async function windows(count, send) {
  for (let sent = 0; sent < count; sent += WINDOW) await Promise.all(Array.from({ length: WINDOW }, send));
}

/** What each process does once it may start. Resolves when all jobs are sent, or all have run. */
const roles = {
  brokkr: {
    async produce(port, count) {
      const noop = (await manager(`redis://${host}:${port}`)).task({ name: 'noop' }, async (_payload) => {});
      return () => windows(count, () => noop.send(payload));
    },
    async consume(port, count) {
      const tm = await manager(`redis://${host}:${port}`);
      const { job, finished } = counting(count);
      tm.task({ name: 'noop' }, async (_payload) => job());
      await tm.createWorker({ concurrency: CONCURRENCY }).start();
      return () => finished;
    },
  },
  bullmq: {
    async produce(port, count) {
      const { Queue } = peers()('bullmq');
      const queue = new Queue('bench', { connection: { port, host } });
      return () => windows(count, () => queue.add('noop', payload, { removeOnComplete: true }));
    },
    async consume(port, count) {
      const { Worker } = peers()('bullmq');
      const { job, finished } = counting(count);
      const connection = { port, host, maxRetriesPerRequest: null };
      const worker = new Worker('bench', async () => job(), { connection, concurrency: CONCURRENCY });
      await worker.waitUntilReady();
      return () => finished;
    },
  },
  'raw batched script': {
    async produce(port, count) {
      const redis = new Redis({ port, host, enableAutoPipelining: true });
      const text = JSON.stringify(payload);
      let next = 0;
      const send = () => {
        const id = `0123456789abcdef0123456789abcd${next++}`;
        return Promise.all([redis.hset('raw:jobs', id, text), redis.rpush('raw:ready', id)]);
      };
      return () => windows(count, send);
    },
    async consume(port, count) {
      const redis = new Redis({ port, host });
      redis.defineCommand('rawBatch', { numberOfKeys: 3, lua: RAW });
      const { job, finished } = counting(count);
      const loop = async () => {
        for (let done = []; ; ) {
          const [ids = [], texts = []] = await redis.rawBatch(
            'raw:ready',
            'raw:jobs',
            'raw:leases',
            CONCURRENCY,
            30_000,
            '',
            ...done,
          );
          await Promise.all(texts.map(async (text) => job(JSON.parse(text))));
          done = ids;
          if (ids.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        }
      };
      return () => {
        void loop();
        void loop();
        return finished;
      };
    },
  },
};

export const togetherContenders = Object.keys(roles);

function peers() {
  return createRequire(new URL('./peers/package.json', import.meta.url));
}

function counting(count) {
  let done = 0;
  let all;
  const finished = new Promise((resolve) => {
    all = resolve;
  });
  return { finished, job: () => ++done === count && all() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [contender, role, port, count] = process.argv.slice(2);
  const run = await roles[contender][role](Number(port), Number(count));
  process.send('ready');
  await once(process, 'message');
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  process.send((user + system) / 1e6);
}
