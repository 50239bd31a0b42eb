import { TaskManager } from '@brokkr/core';
import { Redis } from 'ioredis';
import pino from 'pino';
import { payload } from './contenders.mjs';

/** At level info, as by default, and written to nowhere, so that the screen shows only the figures. */
const quiet = pino({ level: 'info' }, { write: () => undefined });
const BULK = 1_000;
const WINDOW = 100;

export async function manager(url) {
  const tm = TaskManager.getInstance(`bench-${Math.random()}`);
  await tm.initialize({ brokerUrl: url, logger: quiet });
  return tm;
}

async function inBulks(count, send) {
  for (let sent = 0; sent < count; sent += BULK) await send(Math.min(BULK, count - sent));
}

/** Leases the next batch and acknowledges the last one in one call: the best that a hand-written worker could do. */
export const RAW = `
local n = tonumber(ARGV[1])
if #ARGV > 3 then
  local done = {}
  for i = 4, #ARGV do done[#done + 1] = ARGV[i] end
  redis.call('ZREM', KEYS[3], unpack(done))
  redis.call('HDEL', KEYS[2], unpack(done))
end
local ids = redis.call('LPOP', KEYS[1], n)
if not ids then return {} end
local time = redis.call('TIME')
local ends = time[1] * 1000 + tonumber(ARGV[2])
local leases = {}
for i, id in ipairs(ids) do leases[2 * i - 1] = ends; leases[2 * i] = id end
redis.call('ZADD', KEYS[3], unpack(leases))
return { ids, redis.call('HMGET', KEYS[2], unpack(ids)) }
`;

/** Each contender fills a queue with `count` jobs, then consumes it. */
export function drains({ url, port, redis, peers }) {
  const { Queue, Worker } = peers('bullmq');
  const Bee = peers('bee-queue');
  const connection = { port, host: '127.0.0.1', maxRetriesPerRequest: null };
  return {
    brokkr: {
      async prepare(count) {
        const tm = await manager(url);
        const told = { done: 0, all: () => undefined };
        const noop = tm.task({ name: 'noop' }, async (_payload) => {
          if (++told.done === count) told.all();
        });
        await inBulks(count, (size) => noop.sendMany(Array.from({ length: size }, () => [payload])));
        return { tm, told };
      },
      async drain({ tm, told }, _count, concurrency) {
        const worker = tm.createWorker({ concurrency });
        const finished = new Promise((resolve) => {
          told.all = resolve;
        });
        await worker.start();
        await finished;
        await tm.close();
      },
    },
    bullmq: {
      async prepare(count) {
        const queue = new Queue('bench', { connection });
        const options = { removeOnComplete: true };
        await inBulks(count, (size) =>
          queue.addBulk(Array.from({ length: size }, () => ({ name: 'noop', data: payload, opts: options }))),
        );
        await queue.close();
      },
      async drain(_prepared, count, concurrency) {
        let done = 0;
        let all;
        const finished = new Promise((resolve) => {
          all = resolve;
        });
        const worker = new Worker('bench', async () => {}, { connection, concurrency });
        worker.on('completed', () => {
          if (++done === count) all();
        });
        await finished;
        await worker.close();
      },
    },
    'bee-queue': {
      async prepare(count) {
        const queue = new Bee('bench', { redis: { port }, isWorker: false, getEvents: false, sendEvents: false });
        await inBulks(count, (size) => queue.saveAll(Array.from({ length: size }, () => queue.createJob(payload))));
        await queue.close();
      },
      async drain(_prepared, count, concurrency) {
        const queue = new Bee('bench', {
          redis: { port },
          getEvents: false,
          sendEvents: false,
          storeJobs: false,
          removeOnSuccess: true,
        });
        let done = 0;
        await new Promise((resolve) => {
          queue.on('succeeded', () => {
            if (++done === count) resolve();
          });
          queue.process(concurrency, async () => {});
        });
        await queue.close();
      },
    },
    list: {
      async prepare(count) {
        const text = JSON.stringify(payload);
        await inBulks(count, (size) => redis.lpush('list', ...Array.from({ length: size }, (_, n) => `${n}${text}`)));
      },
      async drain(_prepared, _count, concurrency) {
        const loop = async () => {
          for (;;) {
            const text = await redis.lmove('list', 'running', 'RIGHT', 'LEFT');
            if (text === null) return;
            JSON.parse(text.slice(text.indexOf('{')));
            await redis.lrem('running', 1, text);
          }
        };
        await Promise.all(Array.from({ length: concurrency }, loop));
      },
    },
    'raw batched script': {
      async prepare(count) {
        const text = JSON.stringify(payload);
        let next = 0;
        await inBulks(count, async (size) => {
          const ids = Array.from({ length: size }, () => `0123456789abcdef0123456789abcd${next++}`);
          await redis.hset('raw:jobs', ...ids.flatMap((id) => [id, text]));
          await redis.rpush('raw:ready', ...ids);
        });
      },
      async drain(_prepared, _count, concurrency) {
        if (redis.rawBatch === undefined) redis.defineCommand('rawBatch', { numberOfKeys: 3, lua: RAW });
        const loop = async () => {
          let done = [];
          for (;;) {
            const [ids, texts] = await redis.rawBatch(
              'raw:ready',
              'raw:jobs',
              'raw:leases',
              concurrency,
              30_000,
              '',
              ...done,
            );
            if (ids === undefined) return;
            await Promise.all(texts.map(async (text) => JSON.parse(text)));
            done = ids;
          }
        };
        await Promise.all([loop(), loop()]);
      },
    },
  };
}

/** Each contender sends `count` jobs in one way. */
export function enqueues({ url, port, redis, peers }) {
  const { Queue } = peers('bullmq');
  const connection = { port, host: '127.0.0.1' };
  const text = JSON.stringify(payload);
  const brokkr = {
    async open() {
      const tm = await manager(url);
      return { tm, noop: tm.task({ name: 'noop' }, async (_payload) => {}) };
    },
    close: ({ tm }) => tm.close(),
  };
  const bullmq = {
    open: async () => new Queue('bench', { connection }),
    close: (queue) => queue.close(),
  };
  const pipelined = {
    open: async () => new Redis({ port, host: '127.0.0.1', enableAutoPipelining: true }),
    close: async (client) => client.disconnect(),
  };
  const oneByOne = async (count, send) => {
    for (let sent = 0; sent < count; sent++) await send();
  };
  const windows = async (count, send) => {
    for (let sent = 0; sent < count; sent += WINDOW) await Promise.all(Array.from({ length: WINDOW }, send));
  };
  return {
    'awaited one by one': {
      brokkr: { ...brokkr, send: ({ noop }, count) => oneByOne(count, () => noop.send(payload)) },
      bullmq: { ...bullmq, send: (queue, count) => oneByOne(count, () => queue.add('noop', payload)) },
      lpush: {
        open: async () => redis,
        close: async () => undefined,
        send: (client, count) => oneByOne(count, () => client.lpush('list', text)),
      },
    },
    '100 at once': {
      brokkr: { ...brokkr, send: ({ noop }, count) => windows(count, () => noop.send(payload)) },
      bullmq: { ...bullmq, send: (queue, count) => windows(count, () => queue.add('noop', payload)) },
      'lpush pipelined': { ...pipelined, send: (client, count) => windows(count, () => client.lpush('list', text)) },
    },
    'in bulks of 1000': {
      brokkr: {
        ...brokkr,
        send: ({ noop }, count) =>
          inBulks(count, (size) => noop.sendMany(Array.from({ length: size }, () => [payload]))),
      },
      bullmq: {
        ...bullmq,
        send: (queue, count) =>
          inBulks(count, (size) =>
            queue.addBulk(Array.from({ length: size }, () => ({ name: 'noop', data: payload }))),
          ),
      },
    },
  };
}

/** Each contender measures the time from a send to its handler, `count` times on an idle queue, in milliseconds. */
export function latencies({ url, port, peers }) {
  const { Queue, Worker } = peers('bullmq');
  const connection = { port, host: '127.0.0.1', maxRetriesPerRequest: null };
  const measure = async (count, send, heard) => {
    const all = [];
    for (let round = 0; round < count; round++) {
      await new Promise((resolve) => setTimeout(resolve, 3));
      const started = new Promise((resolve) => heard(resolve));
      const sentAt = performance.now();
      await send();
      await started;
      all.push(performance.now() - sentAt);
    }
    return all;
  };
  return {
    async brokkr(count) {
      const tm = await manager(url);
      let hear = () => undefined;
      const noop = tm.task({ name: 'noop' }, async (_payload) => hear());
      await tm.createWorker({ concurrency: 1 }).start();
      const all = await measure(
        count,
        () => noop.send(payload),
        (resolve) => {
          hear = resolve;
        },
      );
      await tm.close();
      return all;
    },
    async bullmq(count) {
      let hear = () => undefined;
      const queue = new Queue('bench', { connection });
      const worker = new Worker('bench', async () => hear(), { connection });
      await worker.waitUntilReady();
      const all = await measure(
        count,
        () => queue.add('noop', payload, { removeOnComplete: true }),
        (resolve) => {
          hear = resolve;
        },
      );
      await worker.close();
      await queue.close();
      return all;
    },
    async 'raw BLMOVE'(count) {
      const [blocking, sending] = [new Redis({ port }), new Redis({ port })];
      let hear = () => undefined;
      let ended = false;
      const loop = (async () => {
        while (!ended) if ((await blocking.blmove('l', 'r', 'RIGHT', 'LEFT', 1)) !== null) hear();
      })().catch(() => undefined);
      const all = await measure(
        count,
        () => sending.lpush('l', 'x'),
        (resolve) => {
          hear = resolve;
        },
      );
      ended = true;
      blocking.disconnect();
      sending.disconnect();
      await loop;
      return all;
    },
  };
}
