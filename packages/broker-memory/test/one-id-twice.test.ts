import { deadLetterEnvelope, type Delivery, type Envelope, type Settlement, firstMessages } from '@brokkr/core/adapter';
import { expect, it } from 'vitest';
import { MemoryBroker } from '../src/index.ts';

const now = { signal: new AbortController().signal, wait: false };

function envelope(id: string, body = '[]'): Envelope {
  return { id, queue: 'q', body: Buffer.from(body), headers: {} };
}

function dead(delivery: Delivery): Settlement {
  return { kind: 'dead-letter', delivery, reason: 'x', replacement: deadLetterEnvelope(delivery.envelope, 'x') };
}

/** Creates a broker in which each of the messages has died, in this order. */
async function withDead(...envelopes: readonly Envelope[]): Promise<MemoryBroker> {
  const broker = new MemoryBroker();
  const subscription = await broker.subscribe('q', {});
  for (const each of envelopes) {
    expect(await broker.publish([each])).toEqual([{ id: each.id, isNew: true }]);
    await subscription.settle((await subscription.receive(1, now)).map(dead));
  }
  return broker;
}

const none = { ready: 0, delayed: 0, running: 0, dead: 0, acknowledged: 0, discarded: 0, purged: 0 };
const ends = { cancelled: 0, expired: 0 };

it('an id that dies twice keeps its later letter, behind the others, and the earlier one counts as discarded', async () => {
  const broker = await withDead(envelope('twice', '[1]'), envelope('once'), envelope('twice', '[2]'));
  expect(await broker.inspector.counts('q')).toEqual({ ...none, ...ends, published: 3, dead: 2, discarded: 1 });
  const letters = await firstMessages(broker.inspector, 'q', 'dead', 10);
  expect(letters.map(({ id, body }) => [id, String(body)])).toEqual([
    ['once', '[]'],
    ['twice', '[2]'],
  ]);
});

it('redriving a letter whose id was sent again leaves that message unchanged, and counts the letter as discarded', async () => {
  const broker = await withDead(envelope('a', '[1]'));
  await broker.publish([envelope('a', '[2]')]);
  expect(await broker.inspector.redrive('q', 'all')).toBe(1);
  expect(await broker.inspector.counts('q')).toEqual({ ...none, ...ends, published: 2, ready: 1, discarded: 1 });
  expect((await firstMessages(broker.inspector, 'q', 'ready', 10)).map(({ body }) => String(body))).toEqual(['[2]']);
});
