import { randomUUID } from 'node:crypto';
import type { Envelope } from '@brokkr/core/adapter';
import { expect, it } from 'vitest';
import { MemoryBroker } from '../src/index.ts';

function envelope(given: Partial<Envelope> = {}): Envelope {
  return { id: randomUUID(), queue: 'q', body: Buffer.from('[]'), headers: {}, ...given };
}

it('a batch with an invalid queue name stores nothing and takes no idempotency key, in any order', async () => {
  const broker = new MemoryBroker();
  const good = envelope({ idempotencyKey: 'key' });
  const bad = envelope({ queue: 'a b', idempotencyKey: 'other' });
  for (const batch of [
    [good, bad],
    [bad, good],
  ]) {
    await expect(broker.publish(batch)).rejects.toMatchObject({ code: 'QUEUE_NAME_INVALID' });
    expect(await broker.inspector.counts('q')).toMatchObject({ published: 0, ready: 0 });
  }
  const again = envelope({ idempotencyKey: 'key' });
  const other = envelope({ idempotencyKey: 'other' });
  expect(await broker.publish([again, other])).toEqual([
    { id: again.id, isNew: true },
    { id: other.id, isNew: true },
  ]);
});

it('a batch over several queues wakes the consumers of each', async () => {
  const broker = new MemoryBroker();
  const waiting = ['q', 'r'].map(async (queue) => {
    const subscription = await broker.subscribe(queue, {});
    return subscription.receive(2, { signal: new AbortController().signal, wait: true });
  });
  await broker.publish([envelope(), envelope({ queue: 'r' }), envelope()]);
  expect((await Promise.all(waiting)).map(({ length }) => length)).toEqual([2, 1]);
});
