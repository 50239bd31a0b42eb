import { expect, it } from 'vitest';
import { RabbitBench, envelope, receive } from './rabbit-bench.ts';

const bench = new RabbitBench();

it('a subscription that receives no more gives its prefetched messages back within two seconds', async () => {
  const broker = bench.open();
  const paused = await broker.subscribe('q', { prefetch: 50 });
  const ids = Array.from({ length: 30 }, (_, index) => `m${index}`);
  const fetching = new AbortController();
  await broker.publish(ids.map((id) => envelope(id)));
  const [running] = await receive(paused, 1);
  // As a worker that waits for its next message when the pause comes.
  fetching.abort();
  expect(await paused.receive(1, { signal: fetching.signal, wait: true })).toEqual([]);
  expect((await broker.inspector.counts('q')).ready).toBe(0);
  const pausedAt = performance.now();
  const other = await bench.open().subscribe('q', { prefetch: 50 });
  const back = new Set<string>();
  while (back.size < 29) {
    for (const delivery of await receive(other, 50)) {
      back.add(delivery.envelope.id);
      expect(delivery.crashes).toBe(0);
      await other.settle([{ kind: 'ack', delivery }]);
    }
  }
  const ms = performance.now() - pausedAt;
  process.stdout.write(`29 prefetched messages of a paused queue were back after ${Math.round(ms)} ms\n`);
  expect(ms).toBeLessThan(2_000);
  expect([...back].sort()).toEqual(ids.filter((id) => id !== running?.envelope.id).sort());
  if (running !== undefined) expect(await paused.settle([{ kind: 'ack', delivery: running }])).toEqual([]);
  // Resumed.
  await broker.publish([envelope('later')]);
  await other.close();
  expect((await receive(paused, 1)).map((delivery) => delivery.envelope.id)).toEqual(['later']);
}, 90_000);
