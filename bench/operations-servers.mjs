// What it costs a server to be operated. Redis: reports of 100 workers, an idle worker, a search through 200,000 dead
// letters. Redis and RabbitMQ: `brokkr queues` over 1,000 queues. Private servers; run it on a quiet machine.
//
//   node bench/operations-servers.mjs [reports,idle,letters,queues]
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createBroker, openBroker, TaskManager } from '@brokkr/core';
import { deadLetterEnvelope } from '@brokkr/core/adapter';

const only = process.argv[2]?.split(',');
const command = fileURLToPath(new URL('../packages/cli/bin/brokkr.js', import.meta.url));
const app = fileURLToPath(new URL('many-queues.mjs', import.meta.url));
// The servers of the tests are in TypeScript, which Node 20 does not read; the loader of the command line does.
const { createJiti } = createRequire(import.meta.resolve('@brokkr/cli'))('jiti');
const jiti = createJiti(import.meta.url);
const { RedisServer } = await jiti.import('../test/support/redis-server.ts');
const { RabbitServer } = await jiti.import('../test/support/rabbitmq-server.ts');

const redis = await RedisServer.start({ args: ['--save', '', '--appendonly', 'no'] });
const client = redis.client();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void redis.stop().then(() => process.exit(1)));
const sections = { idle, reports, letters, queues };
try {
  for (const [name, run] of Object.entries(sections)) if (only === undefined || only.includes(name)) await run();
} finally {
  client.disconnect();
  await redis.stop();
}
process.exit(0);

/** A manager whose workers report, or not. */
async function manager(name, { reports: reporting = true } = {}) {
  const broker = await openBroker(createBroker(redis.url, { namespace: 'bench' }));
  const given = reporting
    ? broker
    : new Proxy(broker, {
        get: (target, key) => {
          if (key === 'workers' || key === 'signals' || key === 'states') return undefined;
          const value = target[key];
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
  const tm = TaskManager.getInstance(name).configure({ broker: given, logLevel: 'silent' });
  tm.task({ name: 'noop', queueName: 'q' }, async () => undefined);
  return tm;
}

/** Commands and processor time of the server while nothing else happens. */
async function watched(seconds) {
  const read = async () => {
    const info = await client.info();
    const figure = (name) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)[1]);
    return { commands: figure('total_commands_processed'), cpu: figure('used_cpu_user') + figure('used_cpu_sys') };
  };
  const before = await read();
  await sleep(seconds * 1_000);
  const after = await read();
  return {
    // One INFO is ours.
    perSecond: (after.commands - before.commands - 1) / seconds,
    cpuPercent: ((after.cpu - before.cpu) / seconds) * 100,
  };
}

async function idle() {
  const figures = {};
  for (const reporting of [false, true]) {
    const tm = await manager(`idle-${reporting}`, { reports: reporting });
    await tm.createWorker({ queues: ['q'] }).start();
    await sleep(2_000);
    figures[reporting] = await watched(15);
    await tm.close();
  }
  const more = figures.true.perSecond - figures.false.perSecond;
  console.log(`an idle worker on Redis: ${more.toFixed(2)} commands a second more with reports, pauses and signals`);
}

async function reports() {
  const base = await watched(5);
  const tm = await manager('hundred');
  const plain = await manager('hundred-plain', { reports: false });
  const start = async (of) => {
    for (let index = 0; index < 100; index++) await of.createWorker({ queues: ['q'], workerId: `w${index}` }).start();
    await sleep(3_000);
  };
  await start(plain);
  const without = await watched(10);
  await plain.close();
  await start(tm);
  const living = await tm.workers();
  const withReports = await watched(20);
  await tm.close();
  console.log(
    `100 idle workers on Redis (${living.length} report): ${withReports.cpuPercent.toFixed(2)} % of a core with reports, ${without.cpuPercent.toFixed(2)} % without, ${base.cpuPercent.toFixed(2)} % empty`,
  );
}

async function letters() {
  const broker = await openBroker(createBroker(redis.url, { namespace: 'letters' }));
  const headers = { 'brokkr-task': 'mail', 'brokkr-at': String(Date.now()) };
  for (let at = 0; at < 200_000; at += 500) {
    const some = Array.from({ length: 500 }, (_, index) => {
      const number = at + index;
      const envelope = { id: `m${number}`, queue: 'big', body: Buffer.from('["ada@example.com"]'), headers };
      return deadLetterEnvelope(envelope, `Error: SMTP said ${number % 1_000}`, { at: Date.now(), by: 'w' });
    });
    await broker.inspector.bury('big', some);
  }
  await broker.close();
  await client.config('SET', 'slowlog-log-slower-than', '1000');
  await client.config('SET', 'slowlog-max-len', '1024');
  await client.slowlog('RESET');
  const tookMs = await cli(['dead', 'list', 'big', '--error', 'said 999', '--json'], redis.url, 'letters');
  const slow = (await client.slowlog('GET', 1_024)).map(([, , micros, args]) => [micros, args[0]]);
  const longest = Math.max(0, ...slow.map(([micros]) => micros));
  console.log(
    `dead list --error over 200,000 letters on Redis: ${(tookMs / 1_000).toFixed(1)} s; the longest command ${(longest / 1_000).toFixed(1)} ms, ${slow.length} of them over 1 ms`,
  );
}

async function queues() {
  const broker = await openBroker(createBroker(redis.url, { namespace: 'many' }));
  const message = (index) => ({ id: `m${index}`, queue: `queue-${index}`, body: Buffer.from('[]'), headers: {} });
  await broker.publish(Array.from({ length: 1_000 }, (_, index) => message(index)));
  await broker.close();
  const empty = await cli(['--version'], redis.url, 'many');
  const ours = await cli(['queues', '--json'], redis.url, 'many');
  console.log(
    `brokkr queues over 1,000 queues on Redis: ${(ours / 1_000).toFixed(2)} s (brokkr --version: ${(empty / 1_000).toFixed(2)} s)`,
  );
  const rabbit = await RabbitServer.start();
  try {
    const other = await openBroker(createBroker(rabbit.url, { namespace: 'many' }));
    for (let at = 0; at < 1_000; at += 100)
      await other.publish(Array.from({ length: 100 }, (_, index) => message(at + index)));
    await other.close();
    const theirs = await cli(['queues', '-a', app, '--json'], rabbit.url, 'many');
    console.log(`brokkr queues over 1,000 queues on RabbitMQ: ${(theirs / 1_000).toFixed(2)} s`);
  } finally {
    await rabbit.stop();
  }
}

/** Runs the command line. @returns milliseconds */
async function cli(args, url, namespace) {
  const env = { ...process.env, TASK_BROKER_URL: url, TASK_NAMESPACE: namespace };
  const startedAt = performance.now();
  await promisify(execFile)(process.execPath, [command, ...args], { env, maxBuffer: 100_000_000 }).catch(
    ({ stderr }) => {
      throw new Error(`brokkr ${args.slice(0, 2).join(' ')} failed: ${String(stderr).slice(0, 300)}`);
    },
  );
  return performance.now() - startedAt;
}
