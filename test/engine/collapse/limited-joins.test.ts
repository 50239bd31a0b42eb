import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { TaskManager } from '@brokkr/core';
import type { BrokerCapabilities, Envelope } from '@brokkr/core/adapter';
import { afterEach, describe, expect, it } from 'vitest';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** A task with a limit of one start in an hour, on a broker that can join nothing, and a worker of it. */
async function limited() {
  const broker = new MemoryBroker();
  const capabilities: BrokerCapabilities = { ...broker.capabilities, collapse: false, idempotency: false };
  Object.defineProperty(broker, 'capabilities', { value: capabilities });
  Object.defineProperty(broker, 'records', { value: undefined });
  const store = new MemoryBroker();
  const tm = TaskManager.getInstance(`limited-joins-${randomUUID()}`);
  tm.configure({ broker, store, logLevel: 'silent', runMode: 'worker' });
  cleanUps.push(
    () => store.close(),
    () => tm.close(),
  );
  const ran: unknown[] = [];
  const limits = [tm.limit({ name: 'hourly', rate: 1, per: '1h' })];
  const task = tm.task({ name: 'note', limits }, async (value: unknown) => void ran.push(value));
  const worker = tm.createWorker();
  await worker.start();
  const parked = async () => {
    const { items } = await broker.inspector.page('default', 'delayed', { limit: 10 });
    return items.filter(({ envelope }) => envelope.headers['brokkr-limited'] === 'hourly').length;
  };
  return { broker, task, ran, parked };
}

describe('a message that a store joins, of a task with a limit', () => {
  it.each([
    ['debounced', { debounce: { key: 'k', wait: '50ms' } }],
    ['throttled', { throttle: { key: 'k', window: '1h' } }],
    ['unique', { unique: 'k' }],
    ['unique while it waits', { unique: { key: 'k', while: 'waiting' } }],
  ] as const)('takes one permit of a rate if it is %s', async (_option, options) => {
    const { task, ran } = await limited();
    await task.with(options).send(1);
    await expect.poll(() => ran).toEqual([1]);
  });

  it('takes the permit of a rate after its newest arguments, and one message of a key waits for it', async () => {
    const { task, ran, parked } = await limited();
    await task.send(1);
    await expect.poll(() => ran).toEqual([1]);
    const debounced = task.with({ debounce: { key: 'k', wait: '50ms' } });
    const first = await debounced.send(2);
    await expect.poll(parked).toBe(1);
    const second = await debounced.send(3);
    expect([second.outcome, second.id]).toEqual(['replaced', first.id]);
    expect(ran).toEqual([1]);
  });

  it.each([
    ['whose record is lost', `debounce ${'0'.repeat(64)} 1 r`],
    ['with a mark of another program', 'debounce me'],
  ])('does not run without a permit if it is a message %s', async (_what, mark) => {
    const { broker, ran, parked } = await limited();
    const envelope = (id: string): Envelope => ({
      id,
      queue: 'default',
      body: Buffer.from(`["${id}"]`),
      headers: {
        'brokkr-task': 'note',
        'brokkr-at': String(Date.now()),
        'brokkr-limit': '[["hourly",""]]',
        'brokkr-join': mark,
      },
    });
    await broker.publish([envelope('a'), envelope('b')]);
    await expect.poll(parked).toBe(1);
    expect(ran).toHaveLength(1);
  });
});
