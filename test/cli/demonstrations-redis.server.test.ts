import { join } from 'node:path';
import { createBroker, openBroker, TaskManager } from '@brokkr/core';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Inspected } from '../support/inspected.ts';
import { RedisServer } from '../support/redis-server.ts';
import { brokkr } from './brokkr.ts';
import { demonstrate } from './demonstrations.ts';

const server = await RedisServer.start();
afterAll(() => server.stop());

describe('worker processes on Redis', () => {
  demonstrate({ url: () => server.url, countsCancelled: true });

  it('status of a message in each state, by its id alone', async () => {
    const app = join(import.meta.dirname, '..', 'fixtures', 'apps', 'demonstrated.ts');
    const env = { TASK_BROKER_URL: server.url, TASK_NAMESPACE: 'states', APP_MODULE: app };
    const stateOf = async (id: string): Promise<string> => {
      const run = brokkr(['status', id, '--json'], env);
      expect(`${await run.exited} ${run.errors()}`).toBe('0 ');
      return (JSON.parse(run.output()) as { state: string }).state;
    };
    const tm = TaskManager.getInstance('states').configure({
      brokerUrl: server.url,
      namespace: 'states',
      runMode: 'producer',
      logLevel: 'silent',
    });
    onTestFinished(() => tm.close());
    const work = tm.task({ name: 'work', queueName: 'working', result: '1h' }, async (_: boolean) => undefined);
    const hang = tm.task({ name: 'hang', queueName: 'hanging', result: '1h' }, async () => undefined);
    const delayed = await work.with({ delay: '1h' }).send(false);
    const ready = await work.send(false);
    const dead = await work.send(true);
    const expired = await work.with({ expiresIn: '1ms' }).send(false);
    const running = await hang.send();
    const cancelled = await hang.send();
    expect(await stateOf(delayed.id)).toBe('delayed');
    expect(await stateOf(ready.id)).toBe('ready');
    const worker = brokkr(['worker', '-q', 'working,hanging'], env);
    const broker = (await openBroker(createBroker(server.url, { namespace: 'states' }))) as Inspected;
    onTestFinished(() => broker.close());
    await expect.poll(async () => (await broker.inspector.counts('hanging')).running, { timeout: 20_000 }).toBe(2);
    await expect.poll(async () => (await broker.inspector.counts('working')).dead, { timeout: 20_000 }).toBe(1);
    await expect.poll(async () => (await ready.status()).state, { timeout: 20_000 }).toBe('succeeded');
    expect(await hang.handle(cancelled.id).cancel({ running: true })).toBe(true);
    await expect.poll(async () => (await cancelled.status()).state, { timeout: 20_000 }).toBe('cancelled');
    const states = await Promise.all([ready, dead, expired, running, cancelled, delayed].map(({ id }) => stateOf(id)));
    expect(states).toEqual(['succeeded', 'dead', 'expired', 'running', 'cancelled', 'delayed']);
    expect(await work.handle('never-sent').status()).toMatchObject({ state: 'unknown' });
    expect(await hang.handle(running.id).cancel({ running: true })).toBe(true);
    worker.child.kill('SIGTERM');
    expect(await worker.exited).toBe(0);
  }, 120_000);
});
