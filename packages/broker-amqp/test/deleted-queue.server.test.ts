import type { Subscription } from '@brokkr/core/adapter';
import type { AmqpBroker } from '../src/index.ts';
import { describe, expect, it } from 'vitest';
import { RabbitBench, ack, envelope, one, receive } from './rabbit-bench.ts';

const bench = new RabbitBench();
/**
 * A delay of two rungs and one of a single rung: both end on the step from the lowest level of the ladder to the queue.
 */
const WHOLE_SECONDS_MS = [1_024, 2_048] as const;

/** Returns the ids of received messages, until there are enough or no more arrive. */
async function comingOf(subscription: Subscription, isEnough: (came: ReadonlySet<string>) => boolean) {
  const came = new Set<string>();
  while (!isEnough(came)) {
    const got = await receive(subscription, 10);
    if (got.length === 0) break;
    for (const { envelope } of got) came.add(envelope.id);
    await ack(subscription, ...got);
  }
  return came;
}

describe('a queue that is deleted while messages of it are delayed', () => {
  function later(broker: AmqpBroker, id: string, delayMs: number) {
    return broker.publish([{ ...envelope(id), notBefore: Date.now() + delayMs }]);
  }
  const deleteQueue = () => bench.meddle((channel) => channel.deleteQueue(`${bench.namespace}.q`));

  it('gets the messages that were on a rung then, and those of whole seconds that are sent after its consumer declared it', async () => {
    const sender = bench.open();
    await later(sender, 'on-a-rung', 2_048);
    const subscription = await bench.open().subscribe('q', { prefetch: 10 });
    const waiting = one(subscription);
    await deleteQueue();
    await sender.publish([envelope('declared-again')]);
    const first = await waiting;
    expect(first.envelope.id).toBe('declared-again');
    await ack(subscription, first);
    for (const delayMs of WHOLE_SECONDS_MS) await later(sender, `after-${delayMs}`, delayMs);
    expect(await comingOf(subscription, ({ size }) => size === 3)).toEqual(
      new Set(['on-a-rung', 'after-1024', 'after-2048']),
    );
  }, 90_000);

  it('is declared again by a process that only sends with a delay, even without a consumer', async () => {
    const broker = bench.open();
    await later(broker, 'before', 1_024);
    await expect.poll(async () => (await broker.inspector.counts('q')).ready, { timeout: 10_000 }).toBe(1);
    await deleteQueue();
    // A sender checks once a second: messages that it sends before that wait on their rung until the queue exists.
    await later(broker, 'at-once', 1_024);
    const stands = async () => {
      await later(broker, 'again', 1_024);
      return ((await broker.inspector.counts('q')).ready ?? 0) > 0;
    };
    await expect.poll(stands, { timeout: 15_000, interval: 500 }).toBe(true);
    const subscription = await bench.open().subscribe('q', { prefetch: 10 });
    expect(await comingOf(subscription, (came) => came.has('at-once'))).toContain('at-once');
  }, 90_000);

  it('and a message that was sent with a delay in between is delivered once there is a consumer', async () => {
    const sender = bench.open();
    await later(sender, 'warm', 64);
    await expect.poll(async () => (await sender.inspector.counts('q')).ready, { timeout: 10_000 }).toBe(1);
    await deleteQueue();
    await later(sender, 'orphan', 1_024);
    const subscription = await bench.open().subscribe('q', {});
    expect((await one(subscription)).envelope.id).toBe('orphan');
  }, 90_000);
});
