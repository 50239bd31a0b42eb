import type { Signal } from '@brokkr/core/adapter';
import { expect, it } from 'vitest';
import { RabbitBench } from './rabbit-bench.ts';

const bench = new RabbitBench();

/** Names of this test's exchanges and queues, without the random ends of listeners. */
async function declared(): Promise<string[]> {
  const [exchanges, queues] = await Promise.all(
    ['list_exchanges', 'list_queues'].map((command) => bench.server.control(command, 'name', '--silent')),
  );
  return `${exchanges}\n${queues}`
    .split('\n')
    .filter((name) => name.startsWith(`${bench.namespace}:`))
    .map((name) => name.replace(/:[\da-f-]{36}$/, ':…').slice(bench.namespace.length))
    .sort();
}

it('declares nothing for signals until a process sends or listens, and no queue once the last listener stopped', async () => {
  const broker = bench.open();
  await broker.publish([]);
  expect(await declared()).toEqual([]);
  await broker.signals.send({ topic: 't', body: '' });
  expect(await declared()).toEqual([':signals']);
  const stops = await Promise.all([broker.signals.listen(() => undefined), broker.signals.listen(() => undefined)]);
  expect(await declared()).toEqual([':signals', ':signals:…']);
  await Promise.all(stops.map((stop) => stop()));
  expect(await declared()).toEqual([':signals']);
}, 90_000);

it('listens again after the connection broke, and reports the gap', async () => {
  const proxy = await bench.proxied();
  const [listener, sender] = [bench.open(`amqp://127.0.0.1:${proxy.port}`), bench.open()];
  const heard: Signal[] = [];
  let gaps = 0;
  await listener.signals.listen(
    (signal) => void heard.push(signal),
    () => {
      gaps++;
    },
  );
  for (const count of [1, 2]) {
    proxy.reset();
    await expect.poll(() => gaps, { timeout: 10_000 }).toBe(count);
    await sender.signals.send({ topic: 't', body: String(count) });
    await expect.poll(() => heard.map(({ body }) => body), { timeout: 5_000 }).toContain(String(count));
  }
  expect(heard).toHaveLength(2);
}, 90_000);

it('listens again after its queue was deleted, and sends again after the exchange was', async () => {
  const broker = bench.open();
  const heard: string[] = [];
  let gaps = 0;
  await broker.signals.listen(
    ({ body }) => void heard.push(body),
    () => {
      gaps++;
    },
  );
  await broker.signals.send({ topic: 't', body: 'before' });
  await bench.meddle((channel) => channel.deleteExchange(`${bench.namespace}:signals`));
  await expect(broker.signals.send({ topic: 't', body: 'lost' })).rejects.toMatchObject({ code: 'QUEUE_REFUSED' });
  await broker.signals.send({ topic: 't', body: 'unheard' });
  const other = bench.open();
  await other.signals.listen(({ body }) => void heard.push(`other ${body}`));
  await broker.signals.send({ topic: 't', body: 'after' });
  await expect.poll(() => heard, { timeout: 5_000 }).toEqual(['before', 'other after']);
  expect(gaps).toBe(0);
}, 90_000);

it('ignores messages of other programs, and goes on when a listener throws', async () => {
  const broker = bench.open();
  const heard: string[] = [];
  await broker.signals.listen(() => {
    throw new Error('a bug of the listener');
  });
  await broker.signals.listen(({ body }) => void heard.push(body));
  await bench.meddle(async (channel) => {
    const junk = [{}, { type: 'a b' }, { type: 'x'.repeat(61) }] as const;
    for (const properties of junk) channel.publish(`${bench.namespace}:signals`, '', Buffer.from('junk'), properties);
    channel.publish(`${bench.namespace}:signals`, '', Buffer.alloc(4_097, 120), { type: 't' });
  });
  await broker.signals.send({ topic: 't', body: 'sound' });
  await expect.poll(() => heard, { timeout: 5_000 }).toEqual(['sound']);
}, 90_000);
