import { randomUUID } from 'node:crypto';
import type { LimitDemand, PermitRequest } from '@brokkr/core/adapter';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';
import { RedisBroker } from '../src/index.ts';
import { expectKeptWhileBlocked } from './kept-while-blocked.ts';

const nodes = await Promise.all(
  Array.from({ length: 3 }, () => RedisServer.start({ args: ['--cluster-enabled', 'yes'] })),
);
beforeAll(form, 60_000);
afterAll(() => Promise.all(nodes.map((node) => node.stop())));

const SLOTS = 16_384;

/** Starts three primaries with a third of the slots each, and waits until they have joined. */
async function form(): Promise<void> {
  const clients = nodes.map((node) => node.client());
  const [first] = nodes;
  await Promise.all(
    clients.map(async (client, index) => {
      const from = Math.floor((SLOTS * index) / nodes.length);
      const to = Math.floor((SLOTS * (index + 1)) / nodes.length) - 1;
      await client.cluster('ADDSLOTSRANGE', from, to);
      if (index > 0) await client.cluster('MEET', '127.0.0.1', String(first?.port));
    }),
  );
  for (const client of clients) {
    await vi.waitFor(async () => {
      expect(String(await client.cluster('INFO'))).toMatch(/cluster_state:ok[\s\S]*cluster_known_nodes:3/);
      // A node passes a signal on only to the nodes that it is connected with.
      expect(String(await client.cluster('NODES'))).toMatch(/^(?:(?!handshake).* connected [\d-]+\n){3}$/);
    }, 15_000);
    client.disconnect();
  }
}

it('queues are distributed over a cluster of three primaries, each whole on one node', async () => {
  const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`).join(',');
  const broker = new RedisBroker({ url: `redis+cluster://${hosts}` });
  const queues = Array.from({ length: 12 }, (_, index) => `queue${index}`);
  const sent = queues.flatMap((queue) =>
    Array.from({ length: 5 }, (_, index) => ({
      id: randomUUID(),
      queue,
      body: Buffer.from(`[${index}]`),
      headers: {},
      ...(index === 4 && { notBefore: Date.now() + 100 }),
    })),
  );
  await broker.publish(sent);
  const done: string[] = [];
  await Promise.all(
    queues.map(async (queue) => {
      const subscription = await broker.subscribe(queue, {});
      for (let count = 0; count < 5; ) {
        const deliveries = await subscription.receive(10, { signal: AbortSignal.timeout(8_000), wait: true });
        expect(await subscription.settle(deliveries.map((delivery) => ({ kind: 'ack', delivery })))).toEqual([]);
        done.push(...deliveries.map(({ envelope }) => envelope.id));
        count += deliveries.length;
      }
    }),
  );
  expect(done.sort()).toEqual(sent.map(({ id }) => id).sort());
  expect([...(await broker.inspector.queues())].sort()).toEqual([...queues].sort());
  const used = await Promise.all(
    nodes.map(async (node) => {
      const client = node.client();
      const keys = await client.keys('brokkr:{*}:counts');
      client.disconnect();
      return keys.length;
    }),
  );
  expect(used.every((count) => count > 0)).toBe(true);
  // A key is unique, whichever nodes have the queues of its messages.
  const keyed = queues.map((queue) => ({ ...message(queue), idempotencyKey: 'task:k' }));
  const receipts = await broker.publish(keyed);
  expect(receipts.filter(({ isNew }) => isNew)).toHaveLength(1);
  expect(new Set(receipts.map(({ id }) => id)).size).toBe(1);
  const other = new RedisBroker({ url: `redis+cluster://${hosts}` });
  const heard: string[] = [];
  let gaps = 0;
  await other.signals.listen(
    ({ body }) => heard.push(body),
    () => gaps++,
  );
  await broker.signals.send({ topic: 'pause', body: '1' });
  await expect.poll(() => heard).toEqual(['1']);
  for (const node of nodes) {
    const client = node.client();
    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    client.disconnect();
  }
  await expect.poll(() => gaps, { timeout: 10_000 }).toBe(1);
  await broker.signals.send({ topic: 'pause', body: '2' });
  await expect.poll(() => heard).toEqual(['1', '2']);
  await other.close();
  await broker.close();
}, 60_000);

function message(queue: string): { id: string; queue: string; body: Buffer; headers: Record<string, string> } {
  return { id: randomUUID(), queue, body: Buffer.from('[]'), headers: {} };
}

it('a thread renews leases on every node while the event loop is blocked', async () => {
  const broker = new RedisBroker({ url: `redis+cluster://127.0.0.1:${nodes[0]?.port}`, namespace: 'blocked' });
  try {
    await expectKeptWhileBlocked(broker, ['queue0', 'queue1', 'queue2', 'queue3', 'queue4', 'queue5']);
  } finally {
    await broker.close();
  }
}, 30_000);

describe('limits of a message on several nodes', () => {
  const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`).join(',');
  const broker = new RedisBroker({ url: `redis+cluster://${hosts}`, namespace: 'limits' });
  afterAll(() => broker.close());
  let count = 0;
  const slot = (): LimitDemand => ({ limit: `slots-${++count}`, key: '', rule: { kind: 'concurrency', slots: 1 } });
  const rate = (intervalMs: number): LimitDemand => ({
    limit: `rate-${++count}`,
    key: '',
    rule: { kind: 'rate', intervalMs, burst: 1 },
  });
  const request = (...demands: LimitDemand[]): PermitRequest => {
    return { token: `t-${++count}`, queue: 'q', id: `m-${count}`, demands };
  };
  const again = (before: PermitRequest): PermitRequest => ({ ...before, token: `t-${++count}` });
  const ask = async (...requests: PermitRequest[]) => {
    const { refusals, next } = await broker.limits.acquire(requests, { leaseMs: 60_000, promotes: true });
    return { waits: refusals.map((refusal) => refusal?.waitMs ?? 0), next: next.map(({ id }) => id) };
  };
  const call = async (line: LimitDemand) => (await broker.limits.call([line])).next.map(({ id }) => id);
  /** Calls until a start is due. */
  const called = (line: LimitDemand) => expect.poll(() => call(line), { timeout: 5_000, interval: 20 });
  const held = async ({ limit }: LimitDemand) =>
    (await broker.limits.usage()).find((usage) => usage.limit === limit)?.held;

  it('passes a start on if a slot refuses the message that was called for it', async () => {
    const [counted, timed] = [slot(), rate(300)];
    const [first, second] = [request(counted, timed), request(timed)];
    await ask(request(timed));
    await ask(first);
    await ask(second);
    await ask(request(counted));
    await called(timed).toEqual([first.id]);
    expect((await ask(again(first))).waits[0]).toBeGreaterThan(0);
    expect(await call(timed)).toEqual([second.id]);
    expect((await ask(again(second))).waits).toEqual([0]);
  });

  it('gives a start back if the next limit refuses the message, and grants no more starts than the rate', async () => {
    const [first, second] = [rate(10_000), rate(60_000)];
    await ask(request(second));
    const both = request(first, second);
    expect((await ask(both)).waits[0]).toBeGreaterThan(0);
    const other = request(first);
    await ask(other);
    expect(await call(first)).toEqual([other.id]);
    expect((await ask(again(other))).waits).toEqual([0]);
    expect((await ask(request(first))).waits[0]).toBeGreaterThan(0);
  });

  it('keeps slots of a message that was called for a start and must wait for the next one', async () => {
    const [counted, timed] = [slot(), rate(300)];
    const [both, rival] = [request(counted, timed), request(timed)];
    await ask(request(timed));
    await ask(both);
    await ask(rival);
    await called(timed).toEqual([both.id]);
    expect((await ask(again(rival))).waits).toEqual([0]);
    expect((await ask(again(both))).waits[0]).toBeGreaterThan(0);
    expect((await ask(request(counted))).waits[0]).toBeGreaterThan(0);
    expect(await held(counted)).toBe(1);
    await called(timed).toEqual([both.id]);
    expect((await ask(again(both))).waits).toEqual([0]);
    expect(await held(counted)).toBe(1);
  });

  it('lets a message that goes to the line of another slot hold up none in the line that it leaves', async () => {
    const [first, second] = [slot(), slot()];
    const [holder, both, behind] = [request(second), request(first, second), request(second)];
    await ask(holder);
    await ask(both);
    await ask(behind);
    await ask(request(first));
    const permit = { limit: second.limit, key: '', token: holder.token, slots: 1, ranMs: 0 };
    expect((await broker.limits.release([permit], { promotes: true })).map(({ id }) => id)).toEqual([both.id]);
    const { waits, next } = await ask(again(both));
    expect(waits[0]).toBeGreaterThan(0);
    expect(next).toEqual([behind.id]);
    expect((await ask(again(behind))).waits).toEqual([0]);
  });
});
