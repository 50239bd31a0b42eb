import type { MemoryBroker } from '@brokkr/broker-memory';
import type { ResultStore } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import { describe, expect, it } from 'vitest';
import { aSecondOfWork, LEASE_MS, workerBench } from './worker-bench.ts';

/** A separate result store with some methods replaced. It does not store results with settlements. */
function separate(change: Partial<ResultStore>) {
  return ({ results }: MemoryBroker): ResultStore => ({
    store: (id, result, ttlMs) => results.store(id, result, ttlMs),
    load: (id, signal) => results.load(id, signal),
    ...change,
  });
}

/** A bench whose result store needs `storeMs` for each result. */
function slowStore(storeMs: number) {
  const clock = new ManualClock();
  return workerBench(undefined, clock, ({ results }) => ({
    store: async (...given) => {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, storeMs));
      await results.store(...given);
    },
    load: (id, signal) => results.load(id, signal),
  }));
}

/** Starts a worker that has run a task and is storing its result. */
async function storing({ tm, clock }: Awaited<ReturnType<typeof slowStore>>) {
  const task = tm.get('kept') ?? tm.task({ name: 'kept', result: '1h' }, async () => 'value');
  const handle = await task.send();
  const worker = tm.createWorker();
  await worker.start();
  await clock.advance(10);
  return { handle, worker };
}

describe('storing a result', () => {
  it('does not count against the time limit of the run, and frees its slot', async () => {
    const { tm, clock, broker } = await slowStore(1_500);
    const ran: string[] = [];
    const task = tm.task({ name: 'kept', result: '1h', timeout: '500ms', maxRetries: 0 }, async (name: string) => {
      ran.push(name);
      return name;
    });
    const handle = await task.send('first');
    await task.send('second');
    const worker = tm.createWorker({ concurrency: 1 });
    const events: string[] = [];
    worker.on('succeeded', () => events.push('succeeded')).on('dead', () => events.push('dead'));
    await worker.start();
    await aSecondOfWork(clock);
    expect(ran).toEqual(['first', 'second']);
    expect(await broker.inspector.counts('default')).toMatchObject({ running: 0, acknowledged: 2 });
    await aSecondOfWork(clock);
    expect(await handle.result()).toBe('first');
    expect(events).toEqual(['succeeded', 'succeeded']);
    expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 2, dead: 0 });
    await tm.close();
  });

  it('comes after the message has ended, and a stop waits for it', async () => {
    const bench = await slowStore(1_000);
    const { tm, clock, broker } = bench;
    const { handle, worker } = await storing(bench);
    const stopped = worker.stop();
    await clock.advance(1_000);
    expect(await stopped).toEqual({ interrupted: 0 });
    expect(await handle.result()).toBe('value');
    expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 1, running: 0 });
    await tm.close();
  });

  it('delays a stop for no longer than its time limit', async () => {
    const bench = await slowStore(3_000);
    const { tm, clock, broker } = bench;
    const { handle, worker: first } = await storing(bench);
    const patient = first.stop({ timeout: '25s' });
    await clock.advance(3_000);
    await patient;
    expect(await handle.result()).toBe('value');
    const { worker: second } = await storing(bench);
    const hasty = second.stop({ timeout: '1s' });
    await clock.advance(1_000);
    await hasty;
    expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 2, running: 0, ready: 0 });
    await tm.close();
  });

  it('that never ends loses the result, never the message, and stops the worker for no longer than a send timeout', async () => {
    const never = separate({ store: () => new Promise(() => undefined) });
    const { tm, clock, broker } = await workerBench(undefined, undefined, never);
    const task = tm.task({ name: 'kept', result: '1h' }, async () => 'value');
    await task.sendMany(Array.from({ length: 20 }, () => []));
    await tm.createWorker({ concurrency: 2 }).start();
    await clock.advance(60_000);
    expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 20 });
    await tm.close();
  });

  it('that fails loses the result, never the message', async () => {
    const full = separate({ store: () => Promise.reject(new Error('the store is full')) });
    const { tm, clock, broker } = await workerBench(undefined, undefined, full);
    const task = tm.task({ name: 'kept', result: '1h' }, async () => 'value');
    await task.send();
    await tm.createWorker().start();
    await aSecondOfWork(clock);
    expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 1 });
    await tm.close();
  });

  it('limits how many results wait for a slow store, and fetches no more until it catches up', async () => {
    const { tm, clock, broker } = await slowStore(3_000);
    const task = tm.task({ name: 'kept', result: '1h' }, async () => 'value');
    await task.sendMany(Array.from({ length: 50 }, () => []));
    await tm.createWorker({ concurrency: 2 }).start();
    await aSecondOfWork(clock);
    const { acknowledged = 0 } = await broker.inspector.counts('default');
    expect(acknowledged).toBeGreaterThanOrEqual(4);
    expect(acknowledged).toBeLessThanOrEqual(8);
    await clock.advance(60_000);
    expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 50 });
    await tm.close();
  });

  it('needs no call of its own if the broker stores it with the settlement', async () => {
    let calls = 0;
    const { tm, clock } = await workerBench((broker) => {
      const { store } = broker.results;
      broker.results.store = (...given) => {
        calls++;
        return store(...given);
      };
      return broker;
    });
    const task = tm.task({ name: 'kept', result: '1h' }, async () => 'value');
    const handle = await task.send();
    await tm.createWorker().start();
    await aSecondOfWork(clock);
    expect(await handle.result()).toBe('value');
    expect(calls).toBe(0);
    await tm.close();
  });
});

describe('a settlement without an answer', () => {
  /** The answers of all settlements are lost, and a repeat is refused. */
  async function unanswered(handler: () => Promise<string>) {
    const stored: unknown[] = [];
    const bench = await workerBench(
      (broker) => {
        const subscribe = broker.subscribe.bind(broker);
        broker.subscribe = async (...given) => {
          const subscription = await subscribe(...given);
          const settle = subscription.settle.bind(subscription);
          subscription.settle = async (settlements) => {
            await settle(settlements);
            throw new Error('the answer was lost');
          };
          return subscription;
        };
        return broker;
      },
      undefined,
      () => ({
        store: async (_id, bytes, _ttlMs, options) => {
          stored.push({ ...JSON.parse(Buffer.from(bytes).toString()), ...options });
        },
        load: async () => undefined,
      }),
    );
    await bench.tm.task({ name: 'kept', result: '1h', maxRetries: 0 }, handler).send();
    await bench.tm.createWorker().start();
    await bench.clock.advance(2 * LEASE_MS);
    await bench.tm.close();
    return stored;
  }

  it('stores the result of a success if no result is stored: the task did succeed', async () => {
    expect(await unanswered(async () => 'value')).toEqual([{ kind: 'value', value: 'value', onlyIfNone: true }]);
  });

  it('stores no failure: the message may run again, and succeed', async () => {
    const failing = async () => {
      throw new Error('no');
    };
    expect(await unanswered(failing)).toEqual([]);
  });
});
