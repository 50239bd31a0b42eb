import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { type TestApp, testApp } from '@brokkr/broker-memory/testing';
import { TaskManager, type TaskManager as Manager } from '@brokkr/core';
import type { BrokerCapabilities } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import { afterEach } from 'vitest';
import { SchedulerManager } from '../src/index.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

export function onCleanUp(cleanUp: () => Promise<unknown>): void {
  cleanUps.push(cleanUp);
}

export interface Bench {
  readonly tm: Manager;
  readonly scheduler: SchedulerManager;
}

/** A scheduler of its own, as another process would have. */
export function bench(): Bench {
  const tm = TaskManager.getInstance(randomUUID()).configure({ logLevel: 'silent' });
  const scheduler = SchedulerManager.getInstance(tm.name, { manager: tm, election: 'the same' });
  onCleanUp(() => scheduler.stop());
  return { tm, scheduler };
}

export function held(tasks: readonly object[], startAt = new Date('2030-01-01T00:00:00Z')): TestApp {
  const app = testApp({ tasks, startAt, settleWithin: '20ms' });
  onCleanUp(() => app.close());
  return app;
}

/** A broker that cannot tell repeated ticks, as RabbitMQ: it elects. */
export class ElectingOnly extends MemoryBroker {
  override readonly capabilities: BrokerCapabilities = {
    ...new MemoryBroker().capabilities,
    idempotency: false,
  };
  override readonly messages = undefined as never;
}

export function place<B extends MemoryBroker>(make: (clock: ManualClock) => B): { clock: ManualClock; broker: B } {
  const clock = new ManualClock();
  const broker = make(clock);
  onCleanUp(() => broker.close());
  return { clock, broker };
}
