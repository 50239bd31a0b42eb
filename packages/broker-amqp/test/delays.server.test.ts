import { randomUUID } from 'node:crypto';
import type { Delivery, Envelope } from '@brokkr/core/adapter';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { RabbitServer } from '../../../test/support/rabbitmq-server.ts';
import { AmqpBroker } from '../src/index.ts';

let server: RabbitServer;
let broker: AmqpBroker;
beforeAll(async () => {
  server = await RabbitServer.start();
}, 90_000);
afterAll(() => server?.stop());
beforeEach(() => {
  broker = new AmqpBroker({ url: server.url, namespace: `t${randomUUID().slice(0, 8)}`, sendTimeoutMs: 60_000 });
});
afterEach(() => broker.close());

function due(id: string, at: number): Envelope {
  return { id, queue: 'q', body: Buffer.from('[1]'), headers: { due: String(at) }, notBefore: at };
}

function at(share: number, values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? Number.NaN;
}

it('delivers 10,000 delayed messages, due evenly over 20 s: none is lost, and none is early', async () => {
  const MESSAGES = 10_000;
  const start = Date.now() + 12_000;
  const envelopes = Array.from({ length: MESSAGES }, (_, n) => due(`m${n}`, start + (n * 20_000) / MESSAGES));
  for (let from = 0; from < MESSAGES; from += 500) await broker.publish(envelopes.slice(from, from + 500));
  const storedAt = Date.now();
  const subscription = await broker.subscribe('q', { prefetch: 100 });
  const late = new Map<string, number>();
  while (late.size < MESSAGES) {
    const deliveries = await subscription.receive(100, { signal: AbortSignal.timeout(30_000), wait: true });
    const now = Date.now();
    if (deliveries.length === 0) break;
    for (const {
      envelope: { id, headers },
    } of deliveries)
      late.set(id, now - Math.max(storedAt, Number(headers.due)));
    await subscription.settle(deliveries.map((delivery) => ({ kind: 'ack', delivery })));
  }
  const lateness = [...late.values()];
  const figures = { p50: at(0.5, lateness), p99: at(0.99, lateness), most: Math.max(...lateness) };
  process.stdout.write(
    `10,000 delayed over 20 s on RabbitMQ: stored in ${storedAt - start + 12_000} ms, late p50 ${Math.round(figures.p50)} ms, p99 ${Math.round(figures.p99)} ms, most ${Math.round(figures.most)} ms\n`,
  );
  expect(late.size).toBe(MESSAGES);
  expect(Math.min(...lateness)).toBeGreaterThanOrEqual(0);
  // On an idle machine the 99th percentile is below 1.5 s. This bound only refuses a delay that is rounded coarsely.
  expect(figures.p50).toBeLessThanOrEqual(5_000);
}, 120_000);

it('100,000 delayed messages are stored by the server, and none by a worker', async () => {
  const heap = () => {
    globalThis.gc?.();
    return process.memoryUsage().heapUsed / 2 ** 20;
  };
  const subscription = await broker.subscribe('q', { prefetch: 100 });
  const waiting = new AbortController();
  const received: Promise<readonly Delivery[]> = subscription.receive(100, { signal: waiting.signal, wait: true });
  await broker.publish([due('warm', Date.now() + 3_600_000)]);
  const before = heap();
  const at = Date.now() + 3_600_000;
  for (let batch = 0; batch < 200; batch++) {
    await broker.publish(Array.from({ length: 500 }, (_, n) => due(`m${batch}-${n}`, at)));
  }
  const counted = (await broker.inspector.counts('q')).delayed;
  const grown = heap() - before;
  process.stdout.write(`100,000 delayed on RabbitMQ: counted ${counted}, heap grown by ${grown.toFixed(1)} MiB\n`);
  waiting.abort();
  expect(await received).toEqual([]);
  expect(counted).toBe(100_001);
  // Far less than the messages need, at a kilobyte of objects each.
  expect(grown).toBeLessThan(50);
}, 180_000);
