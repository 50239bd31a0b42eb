import { MemoryBroker } from '@brokkr/broker-memory';
import { type Delivery, type Envelope, type PublishReceipt, systemClock } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { JoinKeeper } from '../../../packages/core/src/collapse/join-keeper.ts';
import { StoreJoins } from '../../../packages/core/src/collapse/store-joins.ts';

const HOUR_MS = 3_600_000;
const WAIT_MS = 2_000;
const SETTINGS = { option: 'debounce', key: 'k', waitMs: WAIT_MS, maxWaitMs: 5_000 } as const;

/** A worker whose clock is right, and senders whose clocks are wrong, with one store. */
function hosts() {
  const store = new MemoryBroker().records;
  const records = async () => store;
  const logger = pino({ level: 'silent' });
  const published: Envelope[] = [];
  const send = (aheadMs: number, body: string) => {
    const now = () => Date.now() + aheadMs;
    const joins = new StoreJoins({ records, now, keyTtlMs: 60_000, sendTimeoutMs: 5_000, isNotStored: () => false });
    const envelope = { id: body, queue: 'q', body: Buffer.from(body), headers: {}, notBefore: now() + WAIT_MS };
    return joins.send(envelope, 'task', SETTINGS, async (marked) => {
      published.push(marked);
      return { id: marked.id, isNew: true };
    });
  };
  const keeper = new JoinKeeper({ records, clock: systemClock, logger, keyTtlMs: 60_000 });
  /** The broker delivers a message when its wait is over by the broker's clock, whatever its sender's was. */
  const deliver = (envelope: Envelope) => {
    const delivery: Delivery = { envelope, fence: 1, crashes: 0 };
    return keeper.refusalOf(delivery, new AbortController().signal);
  };
  return { send, deliver, published };
}

describe('a key whose message is not stored yet', () => {
  const envelope = (id: string): Envelope => ({ id, queue: 'q', body: Buffer.from(id), headers: {} });

  function joining(option: 'unique' | 'debounce') {
    const clock = new ManualClock();
    const store = new MemoryBroker({ clock }).records;
    const now = () => clock.now();
    const isNotStored = () => true;
    const joins = new StoreJoins({
      records: async () => store,
      now,
      keyTtlMs: 60_000,
      sendTimeoutMs: 1_000,
      isNotStored,
    });
    const settings = option === 'unique' ? { option, key: 'k', isWaiting: false } : SETTINGS;
    const send = (id: string, publish: (marked: Envelope) => Promise<PublishReceipt>) =>
      joins.send(
        { ...envelope(id), notBefore: option === 'debounce' ? now() + WAIT_MS : undefined },
        't',
        settings,
        publish,
      );
    return { clock, send };
  }
  const stores = async ({ id }: Envelope) => ({ id, isNew: true });

  it.each(['unique', 'debounce'] as const)(
    'is taken by no other %s send, and is free if its sender dies',
    async (option) => {
      const { clock, send } = joining(option);
      void send('dead', () => new Promise(() => undefined));
      let isOver = false;
      const next = send('next', stores).finally(() => {
        isOver = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(isOver).toBe(false);
      await clock.advance(10_000);
      expect(await next).toEqual({ id: 'next', isNew: true });
    },
  );

  it.each(['unique', 'debounce'] as const)('belongs to the next %s send if its own is rejected', async (option) => {
    const { send } = joining(option);
    let reject: (error: Error) => void = () => undefined;
    const first = send(
      'first',
      () =>
        new Promise((_, refuse) => {
          reject = refuse;
        }),
    );
    const rejected = expect(first).rejects.toThrow('away');
    const second = send('second', stores);
    await new Promise((resolve) => setTimeout(resolve, 20));
    reject(new Error('away'));
    await rejected;
    expect(await second).toEqual({ id: 'second', isNew: true });
    expect(await send('third', stores)).toMatchObject({ id: 'second', isNew: false });
  });
});

describe.each([
  ['right', 0],
  ['an hour ahead', HOUR_MS],
])('a debounced key whose store compares no clocks, with a sender whose clock is %s', (_, aheadMs) => {
  it('runs the newest arguments once their wait is over', async () => {
    const { send, deliver, published } = hosts();
    await send(aheadMs, 'first');
    await send(aheadMs, 'second');
    const delayed = await deliver(published[0] as Envelope);
    if (delayed?.kind !== 'retry') throw new Error(`not delayed: ${delayed?.kind}`);
    const waitMs = (delayed.replacement.notBefore ?? 0) - Date.now();
    expect(waitMs).toBeGreaterThan(WAIT_MS - 1_000);
    expect(waitMs).toBeLessThanOrEqual(WAIT_MS);
    const carried = await deliver(delayed.replacement);
    if (carried?.kind !== 'retry') throw new Error(`not stored again: ${carried?.kind}`);
    expect(Buffer.from(carried.replacement.body).toString()).toBe('second');
    expect(await deliver(carried.replacement)).toBeUndefined();
  });
});
