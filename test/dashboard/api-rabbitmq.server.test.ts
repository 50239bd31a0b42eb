import { randomUUID } from 'node:crypto';
import { TaskManager } from '@brokkr/core';
import { createDashboard } from '@brokkr/dashboard';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RabbitServer } from '../support/rabbitmq-server.ts';
import { RedisServer } from '../support/redis-server.ts';
import { apiCases } from './api-cases.ts';
import { besidePagesCase } from './beside-pages-case.ts';
import { killedCase } from './killed-cases.ts';

let server: RabbitServer;
beforeAll(async () => {
  server = await RabbitServer.start();
}, 90_000);
afterAll(() => server.stop());

describe('the API of the dashboard on RabbitMQ', () => apiCases(() => server.url, false));

it('a purge of the dashboard frees the keys that the store of the manager keeps', async () => {
  const redis = await RedisServer.start();
  onTestFinished(() => redis.stop());
  const tm = TaskManager.getInstance(randomUUID());
  const namespace = `n${randomUUID().slice(0, 8)}`;
  await tm.initialize({ brokerUrl: server.url, storeUrl: redis.url, namespace, logLevel: 'silent' });
  onTestFinished(() => tm.close());
  const unique = tm.task({ name: 'note', queueName: 'notes' }, async () => undefined).with({ unique: 'k' });
  const dashboard = createDashboard({ managers: { app: tm }, access: () => 'operate' });
  onTestFinished(() => dashboard.close());
  await unique.send();
  await expect.poll(async () => (await tm.queue('notes').counts()).ready).toBe(1);
  const headers = { 'x-brokkr': '1', 'content-type': 'application/json' };
  const body = JSON.stringify({ confirm: 'notes' });
  const purge = new Request('http://localhost/api/v1/app/queues/notes/purge', { method: 'POST', headers, body });
  const answer = await dashboard.fetch(purge);
  expect([answer.status, await answer.json()]).toEqual([200, { done: 1, missing: [] }]);
  expect((await unique.send()).outcome).toBe('new');
}, 60_000);

describe('brokkr dashboard on RabbitMQ', () => {
  killedCase(() => server.url, { letters: 3_000, mayDouble: true });
  besidePagesCase(() => server.url);
});
