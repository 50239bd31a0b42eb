import { randomUUID } from 'node:crypto';
import { createBroker, openBroker } from '@brokkr/core';
import type { StateStore } from '@brokkr/core/adapter';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MadeQueues } from '../src/source/made-queues.ts';
import { managerOf, mount } from './mounted.ts';

/** Makes the memory broker as RabbitMQ is: it does not list its queues. */
const unlisted = <Broker extends { readonly capabilities: object; readonly inspector?: object | undefined }>(
  broker: Broker,
) => {
  Object.assign(broker.inspector as object, { queues: async () => [] });
  return Object.assign(broker, { capabilities: { ...broker.capabilities, counts: 'ready-only' as const } });
};

async function setUp() {
  const broker = unlisted(await openBroker(createBroker(`memory:${randomUUID()}`)));
  onTestFinished(() => broker.close());
  const failures: unknown[] = [];
  const made = () =>
    new MadeQueues(
      async () => broker,
      (error) => failures.push(error),
    );
  return { broker, states: broker.states as StateStore, failures, made };
}

describe('queues that letters were moved to', () => {
  it('are kept by a broker that does not list its queues: the last 100, of any length', async () => {
    const { states, made } = await setUp();
    const name = (index: number) => `q${index}-`.padEnd(index % 2 === 0 ? 120 : 6, 'x');
    for (let index = 0; index < 105; index++) await made().add(name(index));
    const restarted = made();
    await restarted.read();
    expect(restarted.names).toEqual(Array.from({ length: 100 }, (_, index) => name(index + 5)));
    for (let index = 0; index < 14; index++)
      expect(((await states.get(`dashboard.queues:${index}`)) ?? '').length).toBeLessThanOrEqual(1_000);
  });

  it('are checked when they are read: another program may write to the broker', async () => {
    const { states, made } = await setUp();
    await states.set('dashboard.queues:0', `good ../etc ${'x'.repeat(121)} <b> good`);
    const queues = made();
    await queues.read();
    expect(queues.names).toEqual(['good']);
  });

  it('are remembered also if the broker fails', async () => {
    const { states, failures, made } = await setUp();
    states.get = () => Promise.reject(new Error('away'));
    const queues = made();
    await queues.add('new');
    expect([queues.names, failures.length]).toEqual([['new'], 1]);
  });
});

/** Two dead letters in `pdf`, on a broker that does not list its queues. */
async function failing() {
  const tm = await managerOf();
  tm.task({ name: 'x', queueName: 'pdf' }, async () => undefined);
  const broker = unlisted(await tm.broker());
  const letter = (id: string) => ({
    ...{ id, queue: 'pdf.dead', body: Buffer.from('[]') },
    headers: { 'brokkr-task': 'x', 'brokkr-reason': 'Error: no' },
  });
  await broker.inspector?.bury?.('pdf', [letter('l-1'), letter('l-2')]);
  return tm;
}

const listed = async (tm: Awaited<ReturnType<typeof failing>>): Promise<readonly string[]> =>
  (await mount(tm).get('app/queues')).body.items.map(({ name }: { name: string }) => name);

describe('a queue that a move has made', () => {
  it('is listed by the next dashboard, if a letter was moved', async () => {
    const tm = await failing();
    const { post } = mount(tm);
    const move = (id: string) => post('app/queues/pdf/messages/move', { ids: [id], to: 'new2', create: true });
    expect((await move('zzz')).body).toEqual({ done: 0, missing: ['zzz'] });
    expect(await listed(tm)).toEqual(['pdf']);
    expect((await move('l-1')).body.done).toBe(1);
    expect(await listed(tm)).toEqual(['new2', 'pdf']);
  });

  it('is listed after a bulk job, if a letter was moved', async () => {
    const tm = await failing();
    const { post } = mount(tm);
    const bulk = { do: 'move', queue: 'pdf', filter: {}, to: 'new3', create: true };
    expect((await post('app/bulk', { ...bulk, expect: 50 })).status).toBe(409);
    expect(await listed(tm)).toEqual(['pdf']);
    expect((await post('app/bulk', { ...bulk, expect: 2 })).status).toBe(202);
    await expect.poll(() => listed(tm)).toEqual(['new3', 'pdf']);
  });

  it('is not listed by the dashboard itself if no letter was moved', async () => {
    const tm = await failing();
    const { get, post } = mount(tm);
    await post('app/queues/pdf/messages/move', { ids: ['zzz'], to: 'new2', create: true });
    const { body } = await get('app/queues');
    expect(body.items.map(({ name }: { name: string }) => name)).toEqual(['pdf']);
  });
});
