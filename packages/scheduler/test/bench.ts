import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { type TestApp, testApp } from '@brokkr/broker-memory/testing';
import { TaskManager, type TaskManager as Manager } from '@brokkr/core';
import type { BrokerCapabilities } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import pino from 'pino';
import { afterEach } from 'vitest';
import { type JobOptions, SchedulerManager } from '../src/index.ts';

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

/** Makes a task manager and a scheduler, as in a process of their own. */
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

/** A broker as RabbitMQ: it elects a leader, knows no messages by id, and a store joins messages and keeps their keys. */
export class ElectingOnly extends MemoryBroker {
  override readonly capabilities: BrokerCapabilities = {
    ...new MemoryBroker().capabilities,
    idempotency: false,
    collapse: false,
  };
  override readonly messages = undefined as never;
}

/** The clock of a host, whose wall clock can be set. Timers and `monotonic` do not notice. */
export class HostClock extends ManualClock {
  setAheadMs = 0;

  override now(): number {
    return super.now() + this.setAheadMs;
  }
}

export interface Place {
  readonly clock: HostClock;
  readonly broker: MemoryBroker;
}

/** A broker, and the clock of the host that it runs on. */
export function place(make = (clock: ManualClock): MemoryBroker => new MemoryBroker({ clock })): Place {
  const clock = new HostClock();
  const broker = make(clock);
  onCleanUp(() => broker.close());
  return { clock, broker };
}

export interface Line {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface Started {
  readonly scheduler: SchedulerManager;
  readonly lines: readonly Line[];
}

/** Starts a scheduler with one job, of every ten seconds if `options` say nothing else. It has the clock of the host. */
export async function start({ clock, broker }: Place, options: Partial<JobOptions> = {}): Promise<Started> {
  const { tm, scheduler } = bench();
  const lines: Line[] = [];
  tm.configure({ broker, clock, logger: pino({}, { write: (line: string) => lines.push(JSON.parse(line)) }) });
  const ping = tm.task({ name: 'ping', queueName: 'q' }, async (..._: unknown[]) => undefined);
  const trigger = { trigger: 'interval', ...(options.trigger === undefined && { seconds: 10 }) };
  scheduler.addJob({ id: 'p', func: ping.send, ...trigger, ...options } as JobOptions);
  await scheduler.start();
  return { scheduler, lines };
}

export async function sent({ broker }: Place): Promise<number | undefined> {
  return (await broker.inspector.counts('q')).published;
}
