import type { Envelope } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import { expect, it, vi } from 'vitest';
import { MemoryBroker } from '../src/index.ts';
import { IdempotencyKeys } from '../src/idempotency-keys.ts';
import type { LeaseTable } from '../src/lease-table.ts';
import { MemoryQueue } from '../src/memory-queue.ts';

const LEASE_MS = 30_000;

function envelope(id: string): Envelope {
  return { id, queue: 'q', body: Buffer.from('[]'), headers: {} };
}

function queueWith(clock: ManualClock, ...ids: string[]): MemoryQueue {
  let fence = 0;
  const queue = new MemoryQueue('q', clock, {
    maxDelayMs: LEASE_MS,
    keys: new IdempotencyKeys(clock, 1_000),
    nextFence: () => ++fence,
  });
  for (const id of ids) queue.publish(envelope(id));
  return queue;
}

/** Whether the queue still keeps the table, and searches it for the messages of its worker. */
function isKept(queue: MemoryQueue, leases: LeaseTable): boolean {
  const asked = vi.spyOn(leases, 'lapseAll');
  queue.releaseWorker(leases.workerId);
  return asked.mock.calls.length > 0;
}

it.each<[string, (queue: MemoryQueue, leases: LeaseTable, clock: ManualClock) => void | Promise<void>]>([
  ['when it closes and holds nothing', (_, leases) => leases.retire()],
  [
    'when its last message is settled after that',
    (queue, leases) => {
      const [delivery] = queue.take(1, leases);
      leases.retire();
      if (delivery !== undefined) queue.settle({ kind: 'ack', delivery }, leases);
    },
  ],
  [
    'when its last lease has run out after that',
    async (queue, leases, clock) => {
      queue.take(1, leases);
      leases.retire();
      await clock.advance(LEASE_MS);
    },
  ],
  [
    'when its worker is released after that',
    (queue, leases) => {
      queue.take(1, leases);
      leases.retire();
      queue.releaseWorker(leases.workerId);
    },
  ],
])('a consumer is forgotten %s', async (_, end) => {
  const clock = new ManualClock();
  const queue = queueWith(clock, 'a');
  const leases = queue.openLeases('w', LEASE_MS);
  await end(queue, leases, clock);
  expect(queue.counts().running).toBe(0);
  expect(isKept(queue, leases)).toBe(false);
  expect(clock.nextDueAt()).toBeUndefined();
});

it('a consumer is kept while it is open or holds a message', () => {
  const queue = queueWith(new ManualClock(), 'a');
  const idle = queue.openLeases('idle', LEASE_MS);
  expect(isKept(queue, idle)).toBe(true);
  const closed = queue.openLeases('closed', LEASE_MS);
  queue.take(1, closed);
  closed.retire();
  expect(queue.counts().running).toBe(1);
  expect(isKept(queue, closed)).toBe(true);
});

it('the messages of a closed subscription can be settled, renewed, released and lost as before', async () => {
  const clock = new ManualClock();
  const broker = new MemoryBroker({ clock });
  await broker.publish(['a', 'b', 'c'].map(envelope));
  const [closed, other] = [await broker.subscribe('q', { workerId: 'w' }), await broker.subscribe('q', {})];
  const now = { signal: new AbortController().signal, wait: false };
  const [a, b, c] = await closed.receive(3, now);
  if (a === undefined || b === undefined || c === undefined) throw new Error('three were not handed over');
  await closed.close();
  await clock.advance(20_000);
  expect(await closed.settle([{ kind: 'ack', delivery: a }])).toEqual([]);
  expect(await closed.extend([b])).toEqual([]);
  await clock.advance(20_000);
  expect((await other.receive(3, now)).map(({ envelope, crashes }) => [envelope.id, crashes])).toEqual([['c', 1]]);
  expect(await broker.workers.release?.('w')).toBe(1);
  expect((await other.receive(3, now)).map(({ envelope, crashes }) => [envelope.id, crashes])).toEqual([['b', 1]]);
  expect(await closed.settle([{ kind: 'ack', delivery: b }])).toEqual([b]);
});
