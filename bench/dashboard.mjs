// The dashboard on Redis with a million ready messages, a million dead letters and a thousand queues: how long each page
// takes, what a sample costs the server, the longest command, and the memory of the dashboard.
// BROKKR_BENCH_COUNT=100000 is shorter.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TaskManager } from '@brokkr/core';
import { createDashboard } from '@brokkr/dashboard';
import { Redis } from 'ioredis';

const COUNT = Number(process.env.BROKKR_BENCH_COUNT ?? 1_000_000);
const QUEUES = Number(process.env.BROKKR_BENCH_QUEUES ?? 1_000);
const SAMPLED_MS = 15_000;
const BATCH = 5_000;

const folder = mkdtempSync(join(tmpdir(), 'brokkr-bench-'));
const port = await freePort();
const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''], {
  stdio: 'ignore',
});
const redis = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 20, maxRetriesPerRequest: null });
redis.on('error', () => undefined);

try {
  await redis.ping();
  const tm = TaskManager.getInstance();
  await tm.initialize({ brokerUrl: `redis://127.0.0.1:${port}`, logLevel: 'silent' });
  const broker = await tm.broker();
  console.log(`filling: ${COUNT} ready, ${COUNT} dead, ${QUEUES} queues`);
  await fill(broker);
  await redis.config('RESETSTAT');
  await redis.config('SET', 'slowlog-log-slower-than', '10000');
  await redis.slowlog('RESET');
  const dashboard = createDashboard({ managers: { app: tm }, access: () => 'operate' });
  const get = async (path) => {
    const answer = await dashboard.fetch(new Request(`http://localhost/api/v1/${path}`));
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${text}`);
    return JSON.parse(text);
  };
  await get('app/overview');
  const { items } = await get('app/queues/big/messages?state=dead&limit=50');
  for (const path of [
    'session',
    'app/overview',
    'app/queues',
    'app/queues/big/messages?state=ready&limit=50',
    'app/queues/big/messages?state=dead&limit=50',
    'app/queues/big/messages?state=dead&error=address&limit=50',
    'app/queues/big/messages?state=dead&error=never&limit=50',
    `app/queues/big/messages/${items[0].id}`,
    `app/find?id=${items[0].id}`,
    'app/dead/groups',
    'app/history',
    'app/workers',
    'app/tasks',
  ]) {
    const times = [];
    for (let run = 0; run < 3; run++) {
      const began = performance.now();
      await get(path);
      times.push(performance.now() - began);
    }
    times.sort((a, b) => a - b);
    console.log(`${path.padEnd(62)} ${times[1].toFixed(0).padStart(5)} ms`);
  }
  const pages = await open(dashboard, 1);
  const one = await serverShare();
  const more = await open(dashboard, 19);
  const twenty = await serverShare();
  console.log(`server time of the sampler: ${percent(one)} with one page, ${percent(twenty)} with twenty`);
  console.log(`commands over 10 ms: ${(await redis.slowlog('GET', '100')).length}`);
  global.gc?.();
  console.log(`memory of the process: ${(process.memoryUsage().rss / 1_048_576).toFixed(0)} MB`);
  for (const page of [...pages, ...more]) await page.cancel();
  await dashboard.close();
  await tm.close();
} finally {
  redis.disconnect();
  server.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
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
  for (let from = 0; from < COUNT; from += BATCH) {
    const part = Array.from({ length: Math.min(BATCH, COUNT - from) }, (_, index) => from + index);
    await Promise.all([
      broker.publish(part.map((index) => ({ id: `r-${index}`, queue: 'big', body, headers }))),
      broker.inspector.bury(
        'big',
        part.map((index) => ({ id: `d-${index}`, queue: 'big.dead', body, headers: dead })),
      ),
    ]);
  }
  const others = Array.from({ length: QUEUES - 1 }, (_, index) => ({
    id: `q-${index}`,
    queue: `queue-${index}`,
    body,
    headers,
  }));
  await broker.publish(others);
}

/** Opens live pages, and reads them. */
async function open(dashboard, count) {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const { body } = await dashboard.fetch(new Request('http://localhost/api/v1/live?topics=overview,queues'));
      const reader = body.getReader();
      void (async () => {
        while (!(await reader.read()).done);
      })();
      return reader;
    }),
  );
}

/** Share of one core that the commands of the sampler took. */
async function serverShare() {
  await redis.config('RESETSTAT');
  const began = performance.now();
  await new Promise((resolve) => setTimeout(resolve, SAMPLED_MS));
  const stats = await redis.info('commandstats');
  // The commands of scripts are within the time of eval and evalsha.
  const usec = [...stats.matchAll(/cmdstat_(\w+)[^:]*:calls=\d+,usec=(\d+)/g)]
    .filter(([, name]) =>
      ['eval', 'evalsha', 'evalsha_ro', 'hmget', 'sscan', 'smembers', 'zrange', 'hgetall'].includes(name),
    )
    .reduce((sum, [, , time]) => sum + Number(time), 0);
  return usec / 1_000 / (performance.now() - began);
}

function percent(share) {
  return `${(share * 100).toFixed(2)} %`;
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port: free } = probe.address();
  probe.close();
  await once(probe, 'close');
  return free;
}
