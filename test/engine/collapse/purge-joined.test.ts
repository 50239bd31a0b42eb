import { MemoryBroker } from '@brokkr/broker-memory';
import type { BrokerCapabilities, Envelope, Inspector, RecordChange, RecordStore } from '@brokkr/core/adapter';
import { purgeJoined } from '@brokkr/core/adapter';
import { describe, expect, it } from 'vitest';
import type { CollapseSettings } from '../../../packages/core/src/collapse/collapse-options.ts';
import { StoreJoins } from '../../../packages/core/src/collapse/store-joins.ts';

const NOW = 1_000_000;
const DEBOUNCE = { option: 'debounce', key: 'k', waitMs: 60_000, maxWaitMs: undefined } as const;
const UNIQUE = { option: 'unique', key: 'k', isWaiting: false } as const;
const WAITING = { option: 'unique', key: 'k', isWaiting: true } as const;

/** The sends that join messages by a store. */
function joinsOf(records: RecordStore): StoreJoins {
  return new StoreJoins({
    records: async () => records,
    now: () => NOW,
    keyTtlMs: 60_000,
    sendTimeoutMs: 1_000,
    isNotStored: () => false,
  });
}

/** A queue whose messages a store joins. */
function place() {
  const records: RecordStore = new MemoryBroker().records;
  const stored: Envelope[] = [];
  /** What happens between the batch that is shown and its removal. */
  const between: (() => Promise<unknown>)[] = [];
  const joins = joinsOf(records);
  const send = (id: string, settings: CollapseSettings, body = id) => {
    const envelope = { id, queue: 'q', body: Buffer.from(body), headers: {}, notBefore: NOW };
    return joins.send(envelope, 'task', settings, async (marked) => {
      stored.push(marked);
      return { id, isNew: true };
    });
  };
  const inspector = {
    async purge(_queue: string, removing?: (envelopes: readonly Envelope[]) => Promise<void>) {
      const batch = [...stored];
      await removing?.(batch);
      for (const step of between.splice(0)) await step();
      return stored.splice(0, batch.length).length;
    },
  } as unknown as Inspector;
  const purge = (options: { collapse?: boolean; store?: RecordStore | undefined } = {}) => {
    const { collapse = false, store = records } = options;
    const capabilities = { collapse } as BrokerCapabilities;
    return purgeJoined(inspector, ['q'], { capabilities, records: async () => store, keyTtlMs: 60_000 });
  };
  return { records, stored, between, send, purge, inspector };
}

/** The store, with a step before its first change. */
function interrupted(records: RecordStore, step: () => Promise<unknown>): RecordStore {
  let isDone = false;
  return {
    read: (key, fields) => records.read(key, fields),
    change: async (changes: readonly RecordChange[]) => {
      if (!isDone) {
        isDone = true;
        await step();
      }
      return records.change(changes);
    },
  };
}

describe('a purge of messages that a store joins', () => {
  it.each([
    ['debounced', DEBOUNCE],
    ['unique', UNIQUE],
    ['unique while it waits', WAITING],
  ] as const)('frees the key of a message that is %s before it is removed', async (_what, settings) => {
    const { between, send, purge } = place();
    await send('purged', settings);
    between.push(async () => expect(await send('next', settings)).toEqual({ id: 'next', isNew: true }));
    expect(await purge()).toBe(1);
    expect(await send('third', settings)).toMatchObject({ id: 'next', isNew: false });
  });

  it('leaves the key to a message that has taken it since', async () => {
    const { stored, send, purge } = place();
    for (const settings of [UNIQUE, DEBOUNCE]) {
      await send('first', settings);
      const old = stored.splice(0);
      stored.push(...old);
      await purge();
      await send('second', settings);
      // The broker delivered a copy of the first one again.
      stored.splice(0, 1, ...old);
      await purge();
      expect(await send('third', settings)).toMatchObject({ id: 'second', isNew: false });
      stored.splice(0);
    }
  });

  it('removes arguments that come while it frees the key of their message, and no later ones', async () => {
    const { records, stored, send, purge } = place();
    await send('first', DEBOUNCE);
    const store = interrupted(records, async () => {
      expect(await send('second', DEBOUNCE)).toMatchObject({ id: 'first', isReplacement: true });
    });
    expect(await purge({ store })).toBe(1);
    expect(await send('third', DEBOUNCE)).toEqual({ id: 'third', isNew: true });
    expect(stored.map(({ id }) => id)).toEqual(['third']);
  });

  it('does not wedge a key whose sender has not noted yet that its message is stored', async () => {
    const { stored, send, purge, records } = place();
    for (const settings of [UNIQUE, DEBOUNCE]) {
      const envelope = { id: 'slow', queue: 'q', body: Buffer.from('slow'), headers: {}, notBefore: NOW };
      const receipt = await joinsOf(records).send(envelope, 'task', settings, async (marked) => {
        stored.push(marked);
        await purge();
        return { id: 'slow', isNew: true };
      });
      expect(receipt).toEqual({ id: 'slow', isNew: true });
      expect(await send('next', settings)).toEqual({ id: 'next', isNew: true });
      stored.splice(0);
    }
  });

  it('removes no message if the store fails', async () => {
    const { stored, send, purge, records } = place();
    await send('first', UNIQUE);
    const store = { ...records, read: records.read, change: () => Promise.reject(new Error('away')) };
    await expect(purge({ store })).rejects.toThrow('away');
    expect(stored).toHaveLength(1);
  });

  it('frees the keys of many messages in one call of the store', async () => {
    const { send, purge, records } = place();
    for (let index = 0; index < 500; index++) await send(`m${index}`, { ...UNIQUE, key: `k${index}` });
    let calls = 0;
    const store: RecordStore = {
      read: (key, fields) => records.read(key, fields),
      change: (changes) => {
        calls++;
        return records.change(changes);
      },
    };
    expect(await purge({ store })).toBe(500);
    expect(calls).toBe(1);
  });

  it('reads no message if the broker joins messages itself, or no store keeps keys', async () => {
    const { inspector } = place();
    const given: unknown[] = [];
    const watched = {
      ...inspector,
      purge: async (...args: unknown[]) => {
        given.push(args);
        return 2;
      },
    } as Inspector;
    const records = async () => undefined;
    const never = () => Promise.reject(new Error('asked'));
    const native = { collapse: true } as BrokerCapabilities;
    const queues = ['q', 'q.prio.high'];
    expect(await purgeJoined(watched, queues, { capabilities: native, records: never, keyTtlMs: 1 })).toBe(4);
    const joinless = {} as BrokerCapabilities;
    expect(await purgeJoined(watched, ['q'], { capabilities: joinless, records, keyTtlMs: 1 })).toBe(2);
    expect(given).toEqual([
      ['q', undefined],
      ['q.prio.high', undefined],
      ['q', undefined],
    ]);
  });
});
