import type { ResultStore } from '@brokkr/core/adapter';
import { randomUUID } from 'node:crypto';
import { type Broker, TaskManager, type Worker } from '@brokkr/core';
import { ManualClock } from '@brokkr/core/testing';
import { MemoryBroker } from '@brokkr/broker-memory';

export const LEASE_MS = 30_000;

/**
 * Creates a memory broker in virtual time, and a manager on it.
 *
 * @param change decorates the broker
 * @param storeOf returns a result store to use instead of the broker's
 */
export async function workerBench(
  change: (broker: MemoryBroker) => Broker = (broker) => broker,
  clock = new ManualClock(),
  storeOf: (broker: MemoryBroker) => ResultStore | undefined = () => undefined,
) {
  const broker = new MemoryBroker({ clock });
  const tm = TaskManager.getInstance(`worker-${randomUUID()}`);
  await tm.initialize({
    broker: change(broker),
    resultStore: storeOf(broker),
    clock,
    lease: `${LEASE_MS}ms`,
    logLevel: 'silent',
  });
  return { clock, broker, tm };
}

/** Makes `times` workers crash with the next `count` messages of the default queue. */
export async function crash(broker: MemoryBroker, clock: ManualClock, times: number, count = 1): Promise<void> {
  for (let round = 0; round < times; round++) {
    const victim = await broker.subscribe('default', { leaseMs: LEASE_MS });
    await victim.receive(count, { signal: new AbortController().signal, wait: false });
    await clock.advance(LEASE_MS + 1);
    await victim.close();
  }
}

/** Advances by a second in steps: between two of them, ready messages are fetched, run and settled. */
export async function aSecondOfWork(clock: ManualClock): Promise<void> {
  for (let step = 0; step < 100; step++) await clock.advance(10);
}

/**
 * Returns when the worker has stopped, in virtual milliseconds from now; `undefined` if it has not within `boundMs`.
 */
export async function stopsWithin(worker: Worker, clock: ManualClock, boundMs: number): Promise<number | undefined> {
  const startedAt = clock.now();
  let stoppedAt: number | undefined;
  void worker.stop().then(() => {
    stoppedAt = clock.now();
  });
  await clock.advance(boundMs);
  return stoppedAt === undefined ? undefined : stoppedAt - startedAt;
}
