import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBroker, openBroker, TaskManager } from '@brokkr/core';
import type { Inspected } from '../support/inspected.ts';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { RabbitServer } from '../support/rabbitmq-server.ts';
import { RedisServer } from '../support/redis-server.ts';
import { app, brokkr, endNow, until, workplace } from './brokkr.ts';

let rabbit: RabbitServer;
let redis: RedisServer;
let broker: Inspected;
let namespace: string;
beforeAll(async () => {
  [rabbit, redis] = await Promise.all([RabbitServer.start(), RedisServer.start()]);
}, 90_000);
afterAll(() => Promise.all([rabbit?.stop(), redis?.stop()]));
beforeEach(async () => {
  namespace = `c${randomUUID().slice(0, 8)}`;
  broker = await opened(rabbit.url);
});
afterEach(() => broker.close());

async function opened(url: string): Promise<Inspected> {
  return (await openBroker(createBroker(url, { namespace }))) as Inspected;
}

async function send(count: number, delayMs = 0): Promise<void> {
  const headers = { 'brokkr-task': 'greet', 'brokkr-at': String(Date.now()) };
  const times = delayMs > 0 ? { notBefore: Date.now() + delayMs } : {};
  const envelope = () => ({ id: randomUUID(), queue: 'greetings', body: Buffer.from('["Ada"]'), headers, ...times });
  await broker.publish(Array.from({ length: count }, envelope));
}

it('move takes ready and delayed messages to Redis and back without a loss', async () => {
  await send(30);
  await send(5, 3_600_000);
  const there = await opened(redis.url);
  try {
    const env = { TASK_NAMESPACE: namespace };
    const go = brokkr(['move', rabbit.url, redis.url, '-q', 'greetings'], env);
    expect(`${await go.exited} ${go.errors()}`).toBe('0 ');
    expect(go.output()).toBe('greetings 35\n');
    expect(await there.inspector.counts('greetings')).toMatchObject({ ready: 30, delayed: 5 });
    expect(await broker.inspector.counts('greetings')).toMatchObject({ ready: 0, delayed: 0 });
    const back = brokkr(['move', redis.url, rabbit.url, '-q', 'greetings'], env);
    expect(`${await back.exited} ${back.errors()}`).toBe('0 ');
    expect(await broker.inspector.counts('greetings')).toMatchObject({ ready: 30, delayed: 5 });
    expect(await there.inspector.counts('greetings')).toMatchObject({ ready: 0, delayed: 0 });
  } finally {
    await there.close();
  }
}, 60_000);

it('move takes the newest arguments of debounced messages along, and frees the keys of joined ones', async () => {
  const tm = TaskManager.getInstance(`move-${namespace}`);
  tm.configure({ brokerUrl: rabbit.url, storeUrl: redis.url, namespace, logLevel: 'silent' });
  const task = tm.task({ name: 'note', queueName: 'notes' }, async (_text: string) => undefined);
  const debounced = task.with({ debounce: { key: 'k', wait: '1h' } });
  const unique = task.with({ unique: 'k' });
  const there = await opened(redis.url);
  try {
    await debounced.send('first');
    await unique.send('only');
    expect((await debounced.send('second')).outcome).toBe('replaced');
    const refused = brokkr(['move', rabbit.url, redis.url, '-q', 'notes'], { TASK_NAMESPACE: namespace });
    expect(await refused.exited).toBe(2);
    expect(refused.errors()).toMatch(/^error: brokkr move: .* messages of notes, .* set TASK_STORE_URL/);
    expect(await broker.inspector.counts('notes')).toMatchObject({ ready: 1, delayed: 1 });

    const env = { TASK_NAMESPACE: namespace, TASK_STORE_URL: redis.url };
    const go = brokkr(['move', rabbit.url, redis.url, '-q', 'notes'], env);
    expect(`${await go.exited} ${go.errors()}`).toBe('0 ');
    expect(go.output()).toBe('notes 2\n');
    const moved = await there.inspector.page('notes', 'delayed', { limit: 10 });
    expect(moved.items.map(({ envelope }) => Buffer.from(envelope.body).toString())).toEqual(['["second"]']);
    expect([(await debounced.send('third')).outcome, (await unique.send('next')).outcome]).toEqual(['new', 'new']);
  } finally {
    await Promise.all([there.close(), tm.close()]);
  }
}, 60_000);

it('purge frees the keys that the store of TASK_STORE_URL keeps, and its dry run changes none', async () => {
  const tm = TaskManager.getInstance(`purge-${namespace}`);
  tm.configure({ brokerUrl: rabbit.url, storeUrl: redis.url, namespace, logLevel: 'silent' });
  const task = tm.task({ name: 'note', queueName: 'notes', priorities: true }, async (_text: string) => undefined);
  const debounced = task.with({ debounce: { key: 'k', wait: '20ms' } });
  const unique = task.with({ unique: 'k', priority: 'high' });
  const outcomes = async () => [(await debounced.send('b')).outcome, (await unique.send('b')).outcome];
  try {
    await task.send('plain');
    await outcomes();
    await expect.poll(async () => (await tm.queue('notes').counts()).ready, { timeout: 10_000 }).toBe(3);
    const env = { TASK_BROKER_URL: rabbit.url, TASK_NAMESPACE: namespace, TASK_STORE_URL: redis.url };
    const dry = brokkr(['purge', 'notes', '--dry-run'], env);
    expect(`${await dry.exited} ${dry.errors()}${dry.output()}`).toBe('0 3\n');
    expect(await outcomes()).toEqual(['replaced', 'duplicate']);
    const purge = brokkr(['purge', 'notes'], env);
    expect(`${await purge.exited} ${purge.errors()}${purge.output()}`).toBe('0 3\n');
    expect(await outcomes()).toEqual(['new', 'new']);
    // Without the store, its keys are not known.
    const blind = brokkr(['purge', 'notes'], { ...env, TASK_STORE_URL: '' });
    expect(`${await blind.exited} ${blind.errors()}`).toBe('0 ');
    expect((await unique.send('c')).outcome).toBe('duplicate');
  } finally {
    await tm.close();
  }
}, 60_000);

it('move to the same server, also by another name of its host, is refused and changes nothing', async () => {
  await send(30);
  const spelled = rabbit.url.replace('127.0.0.1', 'localhost');
  expect(spelled).not.toBe(rabbit.url);
  for (const to of [rabbit.url, spelled]) {
    const refused = brokkr(['move', rabbit.url, to, '-q', 'greetings'], { TASK_NAMESPACE: namespace });
    expect(await refused.exited).toBe(2);
    expect(refused.errors()).toMatch(/are the same broker/);
    expect(await broker.inspector.counts('greetings')).toMatchObject({ ready: 30 });
  }
}, 60_000);

it('move takes messages to a broker that stores no state', async () => {
  await send(3);
  const { env } = workplace();
  const there = env.TASK_BROKER_URL ?? '';
  const go = brokkr(['move', rabbit.url, there, '-q', 'greetings'], { ...env, TASK_NAMESPACE: namespace });
  expect(`${await go.exited} ${go.errors()}`).toBe('0 ');
  expect(go.output()).toBe('greetings 3\n');
  expect(await broker.inspector.counts('greetings')).toMatchObject({ ready: 0 });
}, 60_000);

it('a password that RabbitMQ refuses ends worker -p 2 with exit code 1', async () => {
  const { host } = new URL(rabbit.url);
  const env = { TASK_BROKER_URL: `amqp://guest:wr0ng@${host}`, TASK_NAMESPACE: namespace };
  const run = brokkr(['worker', '-a', app, '-p', '2'], env);
  expect(await run.exited).toBe(1);
  expect(run.errors()).toMatch(/^error: RabbitMQ at \S+ refused: .*ACCESS_REFUSED/);
  expect(run.output() + run.errors()).not.toMatch(/starting another|wr0ng/);
}, 60_000);

it('with worker -p 2, the other process runs the message of a killed one immediately', async () => {
  const { env: place, notes } = workplace();
  const env = { ...place, TASK_BROKER_URL: rabbit.url, TASK_BROKER_PACKAGE: '', TASK_NAMESPACE: namespace };
  expect(await brokkr(['send', 'deaf', '-a', app], env).exited).toBe(0);
  const run = brokkr(['worker', '-a', app, '-q', 'greetings', '-p', '2', '-c', '1'], env);
  await until(() => notes().length === 1, 'the task began');
  await until(() => (run.output().match(/worker process started/g) ?? []).length === 2, 'both are up');
  const pid = Number(/^deaf (\d+)/.exec(notes()[0] ?? '')?.[1]);
  const killedAt = performance.now();
  process.kill(pid, 'SIGKILL');
  await until(() => notes().length === 2, 'the other process began it again');
  expect(performance.now() - killedAt).toBeLessThan(2_000);
  expect(notes()[1]).toMatch(/attempt 1$/);
  await endNow(run);
}, 60_000);

it.each([
  ['a server', () => rabbit.url],
  ['a closed port', () => 'amqp://127.0.0.1:1'],
  // Reserved for documentation (RFC 5737): packets to it vanish.
  ['an address that does not answer', () => 'amqp://192.0.2.1'],
])(
  'a process that has closed its broker for %s ends by itself immediately',
  async (_, url) => {
    const folder = mkdtempSync(join(tmpdir(), 'brokkr-ends-'));
    try {
      const script = join(folder, 'ends.mjs');
      const entry = join(import.meta.dirname, '..', '..', 'packages', 'broker-amqp', 'dist', 'index.js');
      writeFileSync(
        script,
        `import { AmqpBroker } from ${JSON.stringify(entry)};
const broker = new AmqpBroker({ url: ${JSON.stringify(url())}, namespace: ${JSON.stringify(namespace)}, sendTimeoutMs: 500 });
const message = { id: 'i', queue: 'q', body: Buffer.from('1'), headers: {} };
await broker.publish([message, { ...message, id: 'j', notBefore: Date.now() + 50 }]).catch(() => undefined);
const subscription = await broker.subscribe('q', {}).catch(() => undefined);
const [delivery] = (await subscription?.receive(1, { signal: AbortSignal.timeout(2000), wait: true })) ?? [];
if (delivery) await subscription.settle([{ kind: 'ack', delivery }]);
await broker.close();
process.send('closed');
process.disconnect();
`,
      );
      const child = spawn(process.execPath, [script], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      await once(child, 'message');
      const closedAt = performance.now();
      const [code] = await once(child, 'exit');
      expect(code).toBe(0);
      expect(performance.now() - closedAt).toBeLessThan(1_000);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  30_000,
);
