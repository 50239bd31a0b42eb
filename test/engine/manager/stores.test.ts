import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { type ManagerOptions, TaskManager } from '@brokkr/core';
import type { BrokerParts, RecordStore, ResultStore } from '@brokkr/core/adapter';
import { afterEach, describe, expect, it, vi } from 'vitest';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** A broker without records and results, as RabbitMQ is. */
function withoutStores(): MemoryBroker {
  const broker = new MemoryBroker();
  for (const part of ['records', 'results'] as const) Object.defineProperty(broker, part, { value: undefined });
  return broker;
}

function managerWith(options: ManagerOptions): TaskManager {
  const tm = TaskManager.getInstance(`stores-${randomUUID()}`);
  cleanUps.push(() => tm.close());
  return tm.configure({ logLevel: 'silent', runMode: 'worker', ...options });
}

/** Runs one task that keeps its result, and returns that as its sender reads it. */
async function resultOn(tm: TaskManager): Promise<unknown> {
  const task = tm.task({ name: 'sum', result: '1h' }, async (a: number, b: number) => a + b);
  await tm.createWorker().start();
  return (await task.send(1, 2)).result({ timeout: '5s' });
}

/** The parts of a memory broker of its own, which notes each call. */
function notingStore(): { readonly store: Pick<BrokerParts, 'records' | 'results'>; readonly calls: string[] } {
  const broker = new MemoryBroker();
  cleanUps.push(() => broker.close());
  const calls: string[] = [];
  const noting = <T extends object>(part: T): T =>
    new Proxy(part, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          calls.push(String(name));
          return Reflect.apply(value, target, args) as unknown;
        };
      },
    });
  return {
    store: { records: noting<RecordStore>(broker.records), results: noting<ResultStore>(broker.results) },
    calls,
  };
}

describe('a store beside a broker that has none', () => {
  it('keeps results if TASK_STORE_URL names it', async () => {
    const url = `memory:store-${randomUUID()}`;
    vi.stubEnv('TASK_STORE_URL', url);
    const tm = managerWith({ broker: withoutStores() });
    expect(tm.config.storeUrl).toBe(url);
    expect(await resultOn(tm)).toBe(3);
  });

  it('keeps results if initialize is given the object', async () => {
    const { store, calls } = notingStore();
    expect(await resultOn(managerWith({ broker: withoutStores(), store }))).toBe(3);
    expect(calls).toContain('store');
  });

  it('is not asked for results if TASK_RESULT_URL names another store, or the broker keeps them', async () => {
    const { store, calls } = notingStore();
    const elsewhere = { broker: withoutStores(), store, resultUrl: `memory:results-${randomUUID()}` };
    expect(await resultOn(managerWith(elsewhere))).toBe(3);
    expect(await resultOn(managerWith({ broker: new MemoryBroker(), store }))).toBe(3);
    expect(calls).toEqual([]);
  });

  it('meets the features that need a store', async () => {
    const requires = ['results', 'steps'] as const;
    const { store } = notingStore();
    await expect(managerWith({ broker: withoutStores(), requires, store }).broker()).resolves.toBeDefined();
    const refused = { code: 'FEATURES_MISSING', message: expect.stringMatching(/steps .*set TASK_STORE_URL/) };
    await expect(managerWith({ broker: withoutStores(), requires }).broker()).rejects.toMatchObject(refused);
    const onlyResults = { results: store.results };
    const tm = managerWith({ broker: withoutStores(), requires, store: onlyResults });
    await expect(tm.broker()).rejects.toMatchObject(refused);
  });

  it('may be a broker whose adapter is not loaded yet', async () => {
    const { createBroker } = await import('@brokkr/core');
    const store = createBroker(`memory:store-${randomUUID()}`);
    cleanUps.push(() => store.close());
    expect(await resultOn(managerWith({ broker: withoutStores(), store }))).toBe(3);
  });

  it('is not closed by the manager if it was given as an object', async () => {
    const store = new MemoryBroker();
    const tm = managerWith({ broker: withoutStores(), store });
    await resultOn(tm);
    await tm.close();
    expect(store.isClosed).toBe(false);
    await store.close();
  });
});

describe('an invalid store', () => {
  it('is refused by initialize if it is not an object', () => {
    expect(() => managerWith({ store: 'redis://localhost' as never })).toThrow(
      /store must be a broker or another store \(give a URL as `storeUrl`\); got a string/,
    );
    expect(() => managerWith({ storeUrl: 'localhost' })).toThrow(/storeUrl must be a URL such as redis:/);
  });

  it('is refused when it is opened if it has no part, or a part lacks a method', async () => {
    const requires = ['steps'] as const;
    const opened = (store: object) => managerWith({ broker: withoutStores(), requires, store }).broker();
    await expect(opened({})).rejects.toMatchObject({
      code: 'STORE_INVALID',
      message: expect.stringMatching(/has no part/),
    });
    await expect(opened({ records: { read: async () => new Map() } })).rejects.toMatchObject({
      code: 'STORE_INVALID',
      message: expect.stringMatching(/part records must have a method change/),
    });
  });
});
