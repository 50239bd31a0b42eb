import { firstMessages } from '@brokkr/core/adapter';
import type { Delivery } from '@brokkr/core/adapter';
import { describe, expect, it } from 'vitest';
import type { TcpProxy } from '../../../test/support/tcp-proxy.ts';
import { RabbitBench, ack, envelope, one, receive } from './rabbit-bench.ts';

const bench = new RabbitBench();

describe('connections that fail silently', () => {
  const silent = (proxy: TcpProxy) => `amqp://127.0.0.1:${proxy.port}?heartbeat=1s&connectTimeout=1s`;

  it('a half-open connection is detected by its heartbeat: its consumer reconnects, and its sender gets an error', async () => {
    const proxy = await bench.proxied();
    const broker = bench.open(silent(proxy));
    const subscription = await broker.subscribe('q', {});
    await broker.publish([envelope('before')]);
    await ack(subscription, await one(subscription));
    const waiting = receive(subscription, 1, 20_000);
    proxy.mode = 'half-open';
    // Twice two seconds: by then both ends have missed their heartbeats.
    for (const id of ['into-nothing', 'into-nothing-too']) {
      await expect(broker.publish([envelope(id)])).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
    }
    const brokenAt = performance.now();
    proxy.mode = 'pass';
    await bench.open().publish([envelope('after')]);
    const [delivery] = await waiting;
    expect(delivery?.envelope.id).toBe('after');
    expect(performance.now() - brokenAt).toBeLessThan(5_000);
  }, 90_000);

  it('lost confirms: messages in doubt are sent again with the same id, and none is lost', async () => {
    const proxy = await bench.proxied();
    const broker = bench.open(`amqp://127.0.0.1:${proxy.port}`, { sendTimeoutMs: 10_000 });
    await broker.publish([envelope('warm')]);
    proxy.mode = 'swallow-replies';
    const ids = Array.from({ length: 50 }, (_, n) => `doubt-${n}`);
    const sent = broker.publish(ids.map((id) => envelope(id)));
    await expect.poll(() => bench.held(), { timeout: 10_000 }).toBe(51);
    proxy.mode = 'pass';
    proxy.reset();
    await sent;
    const subscription = await bench.open().subscribe('q', { prefetch: 200 });
    const seen: string[] = [];
    while (seen.length < 101) {
      const got = await receive(subscription, 200, 2_000);
      if (got.length === 0) break;
      seen.push(...got.map(({ envelope: { id } }) => id));
      await ack(subscription, ...got);
    }
    expect(new Set(seen)).toEqual(new Set(['warm', ...ids]));
    expect(seen.length).toBeLessThanOrEqual(101);
  }, 90_000);

  it('a purge whose connection breaks before it removes a batch rejects, and the batch stays', async () => {
    const proxy = await bench.proxied();
    const broker = bench.open(`amqp://127.0.0.1:${proxy.port}`);
    const ids = Array.from({ length: 600 }, (_, n) => `m${n}`);
    await broker.publish(ids.map((id) => envelope(id)));
    let batches = 0;
    const purge = broker.inspector.purge('q', async () => {
      if (++batches === 2) proxy.reset();
    });
    await expect(purge).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
    await expect.poll(() => bench.held(), { timeout: 10_000 }).toBe(100);
    const shown: string[] = [];
    const removed = await bench
      .open()
      .inspector.purge('q', async (envelopes) => void shown.push(...envelopes.map(({ id }) => id)));
    expect([removed, shown]).toEqual([100, ids.slice(500)]);
    expect(await bench.held()).toBe(0);
  }, 90_000);

  it('a delivery of an ended connection never acknowledges the message that has the same tag now', async () => {
    const proxy = await bench.proxied();
    const broker = bench.open(`amqp://127.0.0.1:${proxy.port}`);
    const subscription = await broker.subscribe('q', { prefetch: 10 });
    const ids = Array.from({ length: 10 }, (_, n) => `m${n}`);
    await broker.publish(ids.map((id) => envelope(id)));
    const stale: Delivery[] = [];
    while (stale.length < 10) stale.push(...(await receive(subscription, 10)));
    proxy.reset();
    const fresh: Delivery[] = [];
    while (fresh.length < 10) fresh.push(...(await receive(subscription, 10)));
    expect(await ack(subscription, ...stale)).toEqual(stale);
    expect(await subscription.settle(stale.map((delivery) => ({ kind: 'release', delivery })))).toEqual(stale);
    // All ten are still in the queue: the next consumer receives them.
    await subscription.close();
    const next = await bench.open().subscribe('q', { prefetch: 20 });
    const seen = new Set<string>();
    while (seen.size < 10) {
      const got = await receive(next);
      if (got.length === 0) break;
      for (const {
        envelope: { id },
      } of got)
        seen.add(id);
      await ack(next, ...got);
    }
    expect(seen).toEqual(new Set(ids));
    await expect.poll(() => bench.held(), { timeout: 10_000 }).toBe(0);
  }, 90_000);

  it('a copy that is in flight when the connection breaks is not stored beside its original', async () => {
    const proxy = await bench.proxied();
    const broker = bench.open(`amqp://127.0.0.1:${proxy.port}`, { sendTimeoutMs: 10_000 });
    const subscription = await broker.subscribe('q', { prefetch: 10 });
    await broker.publish([envelope('once')]);
    const delivery = await one(subscription);
    proxy.mode = 'half-open';
    const settled = subscription.settle([{ kind: 'retry', delivery, replacement: delivery.envelope }]);
    proxy.reset();
    proxy.mode = 'pass';
    expect(await settled).toEqual([delivery]);
    const again = await one(subscription);
    expect(again.envelope.id).toBe('once');
    await ack(subscription, again);
    await expect.poll(() => bench.held(), { timeout: 10_000 }).toBe(0);
  }, 90_000);

  it('messages whose sends timed out during a long outage are not sent later', async () => {
    const proxy = await bench.proxied();
    const broker = bench.open(`amqp://127.0.0.1:${proxy.port}`, { sendTimeoutMs: 200 });
    await broker.publish([envelope()]).catch(() => broker.publish([envelope()]));
    await proxy.close();
    for (let n = 0; n < 5; n++) {
      await expect(broker.publish([envelope(`vain-${n}`)])).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
    }
    expect(
      (await firstMessages(bench.open().inspector, 'q', 'ready', 100)).filter(({ id }) => id.startsWith('vain')),
    ).toEqual([]);
  }, 90_000);

  it('every call over a half-open connection ends within the send timeout, with a code', async () => {
    const proxy = await bench.proxied();
    const broker = bench.open(`amqp://127.0.0.1:${proxy.port}`, { sendTimeoutMs: 1_000 });
    await broker.publish([envelope(), { ...envelope(), notBefore: Date.now() + 3_600_000 }]);
    await broker.inspector.counts('q');
    proxy.mode = 'half-open';
    const startedAt = performance.now();
    const calls: Record<string, () => Promise<unknown>> = {
      counts: () => broker.inspector.counts('q'),
      'peek ready': () => firstMessages(broker.inspector, 'q', 'ready', 5),
      'peek delayed': () => firstMessages(broker.inspector, 'q', 'delayed', 5),
      'peek dead': () => firstMessages(broker.inspector, 'q', 'dead', 5),
      discard: () => broker.inspector.discard('q', 'all'),
      redrive: () => broker.inspector.redrive('q', ['x']),
      purge: () => broker.inspector.purge('q'),
      take: () => broker.inspector.take('q', 5, async () => undefined),
      subscribe: () => broker.subscribe('other', {}),
      publish: () => broker.publish([{ ...envelope(), queue: 'third' }]),
      getState: () => broker.states.get('k'),
    };
    const answers = await Promise.all(
      Object.entries(calls).map(async ([name, call]) => [name, await call().catch((error: unknown) => error)] as const),
    );
    for (const [name, answer] of answers) expect(answer, name).toMatchObject({ code: 'BROKER_UNAVAILABLE' });
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    const giveUp = AbortSignal.timeout(500);
    const electedAt = performance.now();
    expect(await broker.elections.elect('x', { signal: giveUp })).toBeUndefined();
    expect(performance.now() - electedAt).toBeLessThan(1_500);
  }, 90_000);

  it('a candidate over a half-open connection goes on once the network works again', async () => {
    const proxy = await bench.proxied();
    const broker = bench.open(silent(proxy), { sendTimeoutMs: 500 });
    await broker.publish([envelope()]);
    proxy.mode = 'half-open';
    const elected = broker.elections.elect('x', { signal: AbortSignal.timeout(20_000) });
    await expect(broker.publish([envelope()])).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
    await expect(broker.publish([envelope()])).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
    proxy.mode = 'pass';
    const leadership = await elected;
    expect(leadership?.lost.aborted).toBe(false);
    await leadership?.release();
  }, 90_000);

  it('a broker that is closed on a half-open connection leaves no timer and no socket', async () => {
    const proxy = await bench.proxied();
    const before = timers();
    const broker = bench.open(`amqp://127.0.0.1:${proxy.port}`);
    await broker.publish([envelope(), envelope()]);
    const subscription = await broker.subscribe('q', { prefetch: 5 });
    await one(subscription);
    expect(timers()).toBeGreaterThan(before);
    proxy.mode = 'half-open';
    const asked = broker.inspector.counts('q').catch((error: unknown) => error);
    await broker.close();
    // Twice the heartbeat of 10 s would be the client's own time limit.
    await expect.poll(timers, { timeout: 4_000 }).toBeLessThanOrEqual(before);
    expect(await asked).toMatchObject({ code: 'BROKER_UNAVAILABLE' });
  }, 90_000);
});

/** Returns the number of timers, including heartbeats, which keep a process alive. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}
