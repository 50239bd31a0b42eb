import { randomUUID } from 'node:crypto';
import { type ManagerOptions, TaskManager } from '@brokkr/core';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { RabbitServer } from '../../support/rabbitmq-server.ts';
import { RedisServer } from '../../support/redis-server.ts';

let rabbit: RabbitServer;
let redis: RedisServer;
beforeAll(async () => {
  [rabbit, redis] = await Promise.all([RabbitServer.start(), RedisServer.start()]);
}, 90_000);
afterAll(() => Promise.all([rabbit?.stop(), redis?.stop()]));

function manager(options: ManagerOptions = {}): TaskManager {
  const tm = TaskManager.getInstance(`purged-${randomUUID()}`);
  const namespace = `n${randomUUID().slice(0, 8)}`;
  const runMode = 'worker';
  tm.configure({ brokerUrl: rabbit.url, storeUrl: redis.url, namespace, logLevel: 'silent', runMode, ...options });
  onTestFinished(() => tm.close());
  return tm;
}

it('on RabbitMQ, a purge frees the keys that a store keeps for ready messages of all lanes', async () => {
  const tm = manager();
  const task = tm.task({ name: 'note', queueName: 'notes', priorities: true }, async (_text: string) => undefined);
  // More than a batch, among messages without keys.
  const keys = Array.from({ length: 600 }, (_, index) => `k${index}`);
  const sendAll = () => Promise.all(keys.map(async (key) => (await task.with({ unique: key }).send(key)).outcome));
  expect(new Set(await sendAll())).toEqual(new Set(['new']));
  await task.sendMany(keys.map((key) => [key] as [string]));
  const urgent = task.with({ unique: { key: 'urgent', while: 'waiting' }, priority: 'high' });
  await urgent.send('a');
  const debounced = task.with({ debounce: { key: 'd', wait: '20ms' }, priority: 'low' });
  await debounced.send('a');
  await expect.poll(async () => (await tm.queue('notes').counts()).ready, { timeout: 5_000 }).toBe(1_202);
  expect((await debounced.send('b')).outcome).toBe('replaced');

  expect(await tm.queue('notes').purge()).toBe(1_202);
  expect(await tm.queue('notes').counts()).toMatchObject({ ready: 0 });
  expect([(await urgent.send('b')).outcome, (await debounced.send('c')).outcome]).toEqual(['new', 'new']);
  expect(new Set(await sendAll())).toEqual(new Set(['new']));
}, 60_000);

it('on RabbitMQ, a purge keeps the keys of delayed and running messages', async () => {
  const tm = manager();
  let end: (() => void) | undefined;
  const task = tm.task({ name: 'note', queueName: 'notes' }, async (_text: string) => {
    await new Promise<void>((resolve) => {
      end = resolve;
    });
  });
  const [running, delayed] = [task.with({ unique: 'running' }), task.with({ unique: 'delayed', delay: '1h' })];
  const debounced = task.with({ debounce: { key: 'd', wait: '1h' } });
  await running.send('a');
  await delayed.send('a');
  await debounced.send('a');
  const worker = tm.createWorker({ queues: ['notes'], concurrency: 1 });
  await worker.start();
  await expect.poll(() => end, { timeout: 10_000 }).toBeDefined();
  expect(await tm.queue('notes').purge()).toBe(0);
  const outcomes = [await running.send('b'), await delayed.send('b'), await debounced.send('b')];
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(['duplicate', 'duplicate', 'replaced']);
  end?.();
  await worker.stop();
}, 60_000);

it('on RabbitMQ, a purge removes no message while the store that keeps their keys is unreachable', async () => {
  const tm = manager({ storeUrl: 'redis://127.0.0.1:1', sendTimeout: '500ms' });
  const task = tm.task({ name: 'note', queueName: 'notes' }, async () => undefined);
  const mark = `unique ${'a'.repeat(64)}`;
  const broker = await tm.broker();
  await task.send();
  const headers = { 'brokkr-task': 'note', 'brokkr-join': mark };
  await broker.publish([{ id: 'joined', queue: 'notes', body: Buffer.from('[]'), headers }]);
  await expect.poll(async () => (await tm.queue('notes').counts()).ready).toBe(2);
  await expect(tm.queue('notes').purge()).rejects.toMatchObject({ name: 'BrokerUnavailableError' });
  await expect.poll(async () => (await tm.queue('notes').counts()).ready).toBe(2);
}, 60_000);
