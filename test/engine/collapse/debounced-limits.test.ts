import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { TaskManager } from '@brokkr/core';
import type { BrokerCapabilities, KeyedLimit } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import { afterEach, describe, expect, it } from 'vitest';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface Work {
  readonly account: string;
  readonly name: string;
  readonly ms?: number;
  readonly fails?: boolean;
}

/** A broker that can join nothing, as RabbitMQ, and knows no messages by their ids. */
function joinless(clock: ManualClock): MemoryBroker {
  const broker = new MemoryBroker({ clock });
  const capabilities: BrokerCapabilities = { ...broker.capabilities, collapse: false, idempotency: false };
  Object.defineProperty(broker, 'capabilities', { value: capabilities });
  for (const part of ['records', 'limits', 'messages']) Object.defineProperty(broker, part, { value: undefined });
  return broker;
}

/** A task with one slot for each account, and a worker of it. */
async function limited(make: (clock: ManualClock) => MemoryBroker) {
  const clock = new ManualClock();
  const broker = make(clock);
  const store = new MemoryBroker({ clock });
  const tm = TaskManager.getInstance(`debounced-limits-${randomUUID()}`);
  tm.configure({ broker, store, clock, logLevel: 'silent', runMode: 'worker', maxRetries: 0 });
  cleanUps.push(
    () => broker.close(),
    () => store.close(),
    () => tm.close(),
  );
  const ran: string[] = [];
  const limit = tm.limit({ name: 'account', concurrency: 1 });
  const limits = ({ account }: Work): readonly KeyedLimit[] => [limit.for(account)];
  const task = tm.task({ name: 'note', limits }, async ({ name, ms = 0, fails = false }: Work) => {
    ran.push(name);
    await new Promise<void>((resolve) => clock.setTimeout(resolve, ms));
    if (fails) throw new Error('no');
  });
  const worker = tm.createWorker();
  await worker.start();
  const stop = async () => {
    const stopping = worker.stop({ timeout: 0 });
    await clock.advance(10_000);
    await stopping;
  };
  cleanUps.push(stop);
  const permits = broker.limits ?? store.limits;
  return { clock, broker, permits, task, debounced: task.with({ debounce: { key: 'k', wait: '200ms' } }), ran };
}

describe.each([
  ['a broker that joins messages', (clock: ManualClock) => new MemoryBroker({ clock })],
  ['a store', joinless],
] as const)('debounced messages with limits, joined by %s', (_, make) => {
  it('run the newest arguments last, if older ones waited for their limit for longer than a minute', async () => {
    const { clock, task, debounced, ran } = await limited(make);
    await task.send({ account: 'A', name: 'busy', ms: 75_000 });
    await clock.advance(500);
    await debounced.send({ account: 'A', name: 'old' });
    await clock.advance(66_000);
    await debounced.send({ account: 'B', name: 'new' });
    await clock.advance(60_000);
    expect(ran).toEqual(['busy', 'new']);
  });

  it('run the newest arguments last, if older ones come back to the limit after they were sent', async () => {
    const { clock, permits, task, debounced, ran } = await limited(make);
    await task.send({ account: 'A', name: 'busy', ms: 20_000 });
    await clock.advance(100);
    const acquire = permits.acquire.bind(permits);
    permits.acquire = async (...args) => {
      permits.acquire = acquire;
      // The worker has the old message, and asks for its slot.
      await debounced.send({ account: 'B', name: 'new' });
      return acquire(...args);
    };
    await debounced.send({ account: 'A', name: 'old' });
    await clock.advance(90_000);
    expect(ran).toEqual(['busy', 'new']);
  });

  it('stay dead letters if they fail while a newer one waits, and run again if they are redriven', async () => {
    const { clock, broker, task, debounced, ran } = await limited(make);
    await debounced.send({ account: 'A', name: 'old', ms: 900, fails: true });
    await clock.advance(1_000);
    await debounced.send({ account: 'B', name: 'new' });
    await clock.advance(10_000);
    expect(ran).toEqual(['old', 'new']);
    expect(await broker.inspector.counts('default')).toMatchObject({ dead: 1, ready: 0, delayed: 0 });
    await task.send({ account: 'A', name: 'busy', ms: 5_000 });
    await clock.advance(500);
    await broker.inspector.redrive('default', 'all');
    await clock.advance(60_000);
    expect(ran).toEqual(['old', 'new', 'busy', 'old']);
  });

  it('are not retried once a newer one of their key was sent', async () => {
    const { clock, task, ran } = await limited(make);
    const retried = task.with({ debounce: { key: 'k', wait: '200ms' }, maxRetries: 1 });
    await retried.send({ account: 'A', name: 'old', fails: true });
    await clock.advance(1_000);
    await retried.send({ account: 'B', name: 'new' });
    await clock.advance(60_000);
    expect(ran).toEqual(['old', 'new']);
  });
});
