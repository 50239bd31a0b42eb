import { setTimeout as sleep } from 'node:timers/promises';
import { createBroker, openBroker } from '@brokkr/core';
import { DashboardProcess, medianMs } from './dashboard-process.mjs';
import { RedisServer } from './dashboard-servers.mjs';

const COUNT = Number(process.env.BROKKR_BENCH_COUNT ?? 1_000_000);
const QUEUES = Number(process.env.BROKKR_BENCH_QUEUES ?? 1_000);
const SAMPLED_MS = Number(process.env.BROKKR_BENCH_MS ?? 20_000);
const BATCH = 5_000;
const RETRIED = 20_000;
const SLOW_MS = 10;

export async function run() {
  const server = await RedisServer.start({ args: ['--save', '', '--appendonly', 'no'] });
  const redis = server.client();
  try {
    console.log(`Redis: filling ${COUNT} ready, ${COUNT} dead, ${QUEUES} queues`);
    const broker = await openBroker(createBroker(server.url));
    await fill(broker);
    await broker.close();
    await redis.config('SET', 'slowlog-log-slower-than', SLOW_MS * 1_000);
    await redis.config('SET', 'slowlog-max-len', 1_024);
    await redis.slowlog('RESET');
    const dashboard = await DashboardProcess.start([], { TASK_BROKER_URL: server.url });
    try {
      await pages(dashboard);
      await sampler(dashboard, redis);
      await redis.config('RESETSTAT');
      await bulk(dashboard);
      await longCommands(redis);
      console.log(`memory of the dashboard: ${(await dashboard.residentMb()).toFixed(0)} MB`);
    } finally {
      await dashboard.stop();
    }
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

async function pages(dashboard) {
  const list = 'redis/queues/big/messages?limit=50&state';
  await dashboard.get('redis/overview');
  const { items } = await dashboard.get(`${list}=dead`);
  for (const path of [
    'session',
    'redis/overview',
    'redis/queues',
    `${list}=ready`,
    `${list}=dead`,
    `${list}=dead&error=address`,
    `${list}=dead&error=never`,
    `redis/queues/big/messages/${items[0].id}`,
    `redis/find?id=${items[0].id}`,
    'redis/dead/groups',
    'redis/history',
    'redis/workers',
    'redis/tasks',
    'redis/bulk',
  ]) {
    const ms = await medianMs(() => dashboard.get(path));
    console.log(`${path.padEnd(62)} ${ms.toFixed(0).padStart(5)} ms`);
  }
}

async function sampler(dashboard, redis) {
  await dashboard.openPages(1);
  const one = await serverShare(redis);
  await dashboard.openPages(19);
  const twenty = await serverShare(redis);
  console.log(`the sampler, with one page: ${one}; with twenty: ${twenty}`);
}

async function bulk(dashboard) {
  const request = { do: 'retry', queue: 'failing', filter: {}, expect: RETRIED, confirm: 'failing' };
  const began = performance.now();
  await dashboard.post('redis/bulk', request);
  for (;;) {
    const { items } = await dashboard.get('redis/bulk');
    if (items[0].state !== 'running') break;
    await sleep(50);
  }
  console.log(`bulk retry of ${RETRIED}: ${((performance.now() - began) / 1_000).toFixed(1)} s`);
}

/**
 * The commands over 10 ms, beside the percentiles of all. On a busy machine any command, such as TIME, may take that
 * long: one that only reads is repeated.
 */
async function longCommands(redis) {
  const slow = await redis.slowlog('GET', 1_024);
  const latencies = await redis.info('latencystats');
  for (const [, name, percentiles] of latencies.matchAll(/latency_percentiles_usec_(evalsha|eval):(.*)/g)) {
    console.log(`${name}, microseconds: ${percentiles.trim()}`);
  }
  let again = 0;
  for (const [, , micros, [name, ...args]] of slow) {
    const isRead =
      /^evalsha(_ro)?$/i.test(name) && args.length < 30 && !args.some((arg) => /\.\.\. \(\d+ more/.test(arg));
    let least = micros / 1_000;
    if (isRead) {
      for (let run = 0; run < 5; run++) {
        const began = (await redis.info('commandstats')).match(/cmdstat_evalsha:calls=\d+,usec=(\d+)/)[1];
        await redis.call(name, ...args).catch(() => undefined);
        const ended = (await redis.info('commandstats')).match(/cmdstat_evalsha:calls=\d+,usec=(\d+)/)[1];
        least = Math.min(least, (ended - began) / 1_000);
      }
    }
    if (least > SLOW_MS) again++;
    console.log(
      `  ${(micros / 1_000).toFixed(0)} ms, at best ${least.toFixed(1)} ms: ${name} ${args.join(' ').slice(0, 120)}`,
    );
  }
  console.log(`commands over ${SLOW_MS} ms: ${slow.length}; when repeated: ${again}`);
}

async function fill(broker) {
  const headers = { 'brokkr-task': 'invoice.pdf', 'brokkr-at': String(Date.now()) };
  const body = Buffer.from(JSON.stringify([{ order: 48_817, customer: { name: 'Acme', email: 'a@acme.test' } }]));
  const dead = {
    ...headers,
    'brokkr-reason': 'PermanentError: order 48817 has no address',
    'brokkr-dead-at': String(Date.now()),
    'brokkr-dead-by': 'pdf-1',
  };
  const bury = (queue, ids) =>
    broker.inspector.bury(
      queue,
      ids.map((id) => ({ id, queue: `${queue}.dead`, body, headers: dead })),
    );
  for (let from = 0; from < COUNT; from += BATCH) {
    const part = Array.from({ length: Math.min(BATCH, COUNT - from) }, (_, index) => from + index);
    await Promise.all([
      broker.publish(part.map((index) => ({ id: `r-${index}`, queue: 'big', body, headers }))),
      bury(
        'big',
        part.map((index) => `d-${index}`),
      ),
    ]);
  }
  for (let from = 0; from < RETRIED; from += BATCH) {
    await bury(
      'failing',
      Array.from({ length: BATCH }, (_, index) => `f-${from + index}`),
    );
  }
  const others = Array.from({ length: QUEUES - 2 }, (_, index) => `queue-${index}`);
  await broker.publish(others.map((queue) => ({ id: queue, queue, body, headers })));
}

/** Share of one core that the commands of the dashboard took, and their number. */
async function serverShare(redis) {
  await sleep(1_000);
  await redis.config('RESETSTAT');
  const began = performance.now();
  await sleep(SAMPLED_MS);
  const stats = await redis.info('commandstats');
  // The commands of scripts are within the time of eval and evalsha.
  const theirs = ['eval', 'evalsha', 'evalsha_ro', 'hmget', 'sscan', 'smembers', 'zrange', 'hgetall'];
  const found = [...stats.matchAll(/cmdstat_(\w+)[^:]*:calls=(\d+),usec=(\d+)/g)].filter(([, name]) =>
    theirs.includes(name),
  );
  const sumOf = (index) => found.reduce((sum, match) => sum + Number(match[index]), 0);
  const ms = performance.now() - began;
  return `${(sumOf(3) / 10 / ms).toFixed(2)} % of a core, ${((sumOf(2) * 1_000) / ms).toFixed(0)} commands a second`;
}
