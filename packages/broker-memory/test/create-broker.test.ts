import { randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { TaskManager } from '@brokkr/core';
import type { BrokerOptions, Envelope } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { createBroker, type MemoryBroker } from '../src/index.ts';

const LEASE_MS = 30_000;
const now = { signal: new AbortController().signal, wait: false };
const patient = { signal: new AbortController().signal, wait: true };

const opened: MemoryBroker[] = [];
afterEach(async () => {
  for (const broker of opened.splice(0)) await broker.close();
});

function open(url: string, options?: BrokerOptions): MemoryBroker {
  const broker = createBroker(url, options) as MemoryBroker;
  opened.push(broker);
  return broker;
}

/** Creates two brokers of one name. */
function two(options?: BrokerOptions): readonly [MemoryBroker, MemoryBroker, url: string] {
  const url = `memory:${randomUUID()}`;
  return [open(url, options), open(url, options), url];
}

function envelope(id: string = randomUUID()): Envelope {
  return { id, queue: 'q', body: Buffer.from('[]'), headers: {} };
}

describe('brokers of one memory:name', () => {
  it('share messages, keys, results and state', async () => {
    const [one, other] = two();
    await one.publish([{ ...envelope('a'), idempotencyKey: 'k' }]);
    expect(await other.publish([{ ...envelope('b'), idempotencyKey: 'k' }])).toEqual([{ id: 'a', isNew: false }]);
    expect(await other.inspector.counts('q')).toMatchObject({ ready: 1 });
    await one.results.store('a', Buffer.from('1'), 1_000);
    expect(String(await other.results.load('a', AbortSignal.abort()))).toBe('1');
    await one.states.set('s', 'kept');
    expect(await other.states.get('s')).toBe('kept');
  });

  it('are closed separately, and may be closed twice', async () => {
    const [one, other] = two();
    await one.close();
    await one.close();
    expect([one.isClosed, other.isClosed]).toEqual([true, false]);
    await expect(one.publish([envelope()])).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
    expect(await other.publish([envelope('a')])).toEqual([{ id: 'a', isNew: true }]);
  });

  it('end only their own waits and leaderships', async () => {
    const [one, other] = two();
    const receiving = (await one.subscribe('q', {})).receive(1, patient);
    const otherReceiving = (await other.subscribe('q', {})).receive(1, patient);
    const loading = expect(one.results.load('a', now.signal)).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
    const otherLoading = other.results.load('a', now.signal);
    const leadership = await one.elections.elect('leader', now);
    const standing = expect(one.elections.elect('leader', now)).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
    const otherStanding = other.elections.elect('leader', now);
    await one.close();
    expect(await receiving).toEqual([]);
    await loading;
    await standing;
    expect(leadership?.lost.aborted).toBe(true);
    expect((await otherStanding)?.lost.aborted).toBe(false);
    await other.publish([envelope('a')]);
    expect((await otherReceiving).map(({ envelope: { id } }) => id)).toEqual(['a']);
    await other.results.store('a', Buffer.from('1'), 1_000);
    expect(String(await otherLoading)).toBe('1');
  });

  it('deliver the messages of a closed one when its leases expire, as a crash', async () => {
    const clock = new ManualClock();
    const [one, other] = two({ clock });
    await one.publish([envelope('a')]);
    expect(await (await one.subscribe('q', { leaseMs: LEASE_MS })).receive(1, now)).toHaveLength(1);
    await one.close();
    const subscription = await other.subscribe('q', { leaseMs: LEASE_MS });
    await clock.advance(LEASE_MS - 1);
    expect(await subscription.receive(1, now)).toEqual([]);
    await clock.advance(1);
    expect(await subscription.receive(1, now)).toMatchObject([{ envelope: { id: 'a' }, crashes: 1 }]);
  });

  it('keep nothing once the last one is closed: the next broker of that name is empty', async () => {
    const clock = new ManualClock();
    const [one, other, url] = two({ clock });
    await one.publish([envelope(), { ...envelope(), notBefore: clock.now() + 60_000 }]);
    await one.close();
    expect(await open(url).inspector.counts('q')).toMatchObject({ ready: 1, delayed: 1 });
    for (const broker of [other, ...opened]) await broker.close();
    expect(clock.nextDueAt()).toBeUndefined();
    expect(await open(url).inspector.counts('q')).toMatchObject({ published: 0, ready: 0, delayed: 0 });
  });

  it('leave nothing in memory, not even for names that are never used again', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    // Only the clock of a broker can be observed from here.
    const clocks = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const clock = new ManualClock();
        const broker = createBroker(`memory:${randomUUID()}`, { clock });
        await broker.publish([envelope()]);
        await broker.close();
        return new WeakRef(clock);
      }),
    );
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    expect(clocks.map((clock) => clock.deref())).toEqual([undefined, undefined, undefined]);
  });

  it('are separate in different namespaces; the default is brokkr', async () => {
    const url = `memory:${randomUUID()}`;
    const [none, brokkr, one] = [open(url), open(url, { namespace: 'brokkr' }), open(url, { namespace: 'one' })];
    await none.publish([envelope()]);
    await one.publish([envelope(), envelope()]);
    const ready = async (broker: MemoryBroker) => (await broker.inspector.counts('q')).ready;
    expect([await ready(brokkr), await ready(one)]).toEqual([1, 2]);
    expect(await ready(open(url, { namespace: 'two' }))).toBe(0);
  });

  it('are separate for managers with different namespaces', async () => {
    const brokerUrl = `memory:${randomUUID()}`;
    const managers = ['one', 'two', 'two'].map((namespace) =>
      TaskManager.getInstance(randomUUID()).configure({ brokerUrl, namespace, logLevel: 'silent' }),
    );
    const brokers = (await Promise.all(managers.map((tm) => tm.broker()))) as MemoryBroker[];
    await brokers[1]?.publish([envelope()]);
    expect(await Promise.all(brokers.map(async (broker) => (await broker.inspector.counts('q')).ready))).toEqual([
      0, 1, 1,
    ]);
    for (const tm of managers) await tm.close();
  });
});

it('memory: without a name is a new broker at each call', async () => {
  const [one, other] = [open('memory:'), open('memory:')];
  await one.publish([envelope()]);
  expect(await other.inspector.counts('q')).toMatchObject({ ready: 0 });
});
