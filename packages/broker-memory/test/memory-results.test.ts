import { expect, it } from 'vitest';
import { MemoryBroker } from '../src/index.ts';

const { signal } = new AbortController();

it('a pending wait for a result is rejected when the broker closes, and so is a later one', async () => {
  const broker = new MemoryBroker();
  const waiting = ['a', 'a', 'b'].map((id) =>
    expect(broker.results.load(id, signal)).rejects.toMatchObject({ code: 'BROKER_CLOSED' }),
  );
  await broker.close();
  await Promise.all(waiting);
  await expect(broker.results.load('a', signal)).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
  await expect(broker.results.load('a', AbortSignal.abort())).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
});

it('a wait that was aborted before the broker closes is not rejected', async () => {
  const broker = new MemoryBroker();
  const giveUp = new AbortController();
  const waiting = broker.results.load('a', giveUp.signal);
  giveUp.abort();
  await broker.close();
  expect(await waiting).toBeUndefined();
});
