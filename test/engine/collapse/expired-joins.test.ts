import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { TaskManager } from '@brokkr/core';
import type { BrokerCapabilities } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import { afterEach, describe, expect, it } from 'vitest';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Two tasks on a broker that can join nothing, with a store beside it, and a worker with one slot. */
async function bench() {
  const clock = new ManualClock();
  const broker = new MemoryBroker({ clock });
  const capabilities: BrokerCapabilities = { ...broker.capabilities, collapse: false, idempotency: false };
  Object.defineProperty(broker, 'capabilities', { value: capabilities });
  Object.defineProperty(broker, 'records', { value: undefined });
  const store = new MemoryBroker({ clock });
  const tm = TaskManager.getInstance(`expired-joins-${randomUUID()}`);
  tm.configure({ broker, store, clock, logLevel: 'silent', runMode: 'worker' });
  const ran: unknown[] = [];
  const busy = tm.task({ name: 'busy' }, async (ms: number) => {
    await new Promise<void>((resolve) => void clock.setTimeout(resolve, ms));
  });
  const limits = [tm.limit({ name: 'hourly', rate: 1, per: '1h' })];
  const note = tm.task({ name: 'note' }, async (value: number) => void ran.push(value));
  const limited = tm.task({ name: 'limited', limits }, async (value: number) => void ran.push(value));
  await tm.createWorker({ concurrency: 1 }).start();
  cleanUps.push(async () => {
    const closing = tm.close();
    await clock.advance(40_000);
    await closing;
    await store.close();
  });
  return { clock, busy, note, limited, ran };
}

const debounce = { key: 'k', wait: '300ms' } as const;

describe('a debounced message of a store that expires', () => {
  it('counts from when it was due, and leaves no key behind', async () => {
    const { clock, busy, note, ran } = await bench();
    await busy.send(5_000);
    await clock.advance(10);
    await note.with({ debounce, expiresIn: '1s' }).send(1);
    await clock.advance(6_000);
    expect(ran).toEqual([]);
    const next = await note.with({ debounce }).send(2);
    await clock.advance(1_000);
    expect([next.outcome, ran]).toEqual(['new', [2]]);
  });

  it('goes on with newer arguments that were sent for it', async () => {
    const { clock, limited, ran } = await bench();
    await limited.send(1);
    await clock.advance(10);
    await limited.with({ debounce, expiresIn: '1s' }).send(2);
    await clock.advance(800);
    const newer = await limited.with({ debounce }).send(3);
    await clock.advance(2 * 3_600_000);
    expect([newer.outcome, ran]).toEqual(['replaced', [1, 3]]);
  });
});
