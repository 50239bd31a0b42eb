import { randomUUID } from 'node:crypto';
import { MemoryBroker, type MemoryBrokerOptions } from '@brokkr/broker-memory';
import { TaskManager } from '@brokkr/core';
import type { BrokerCapabilities, Elections, Leadership } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import pino from 'pino';
import { expect, it } from 'vitest';
import { type JobOptions, SchedulerManager } from '../src/index.ts';
import { bench, ElectingOnly, onCleanUp } from './bench.ts';

/** Keeps the leaderships, so that a test can end one, as a server does when the leader's process dies. */
class Server extends ElectingOnly {
  readonly elected: Leadership[] = [];

  constructor(options: MemoryBrokerOptions = {}) {
    super(options);
    const { elect } = this.elections;
    Object.assign(this.elections, {
      elect: async (...args: Parameters<Elections['elect']>) => {
        const leadership = await elect(...args);
        if (leadership !== undefined) this.elected.push(leadership);
        return leadership;
      },
    });
  }

  async sent(): Promise<number | undefined> {
    return (await this.inspector.counts('q')).published;
  }
}

/** A process with a clock of its own. If a test moves the clock no further, the process is dead. */
interface Process {
  readonly clock: ManualClock;
  readonly scheduler: SchedulerManager;
  readonly lines: readonly { msg: string; level: number }[];
}

function server(): Server {
  const broker = new Server();
  onCleanUp(() => broker.close());
  return broker;
}

async function start(broker: MemoryBroker, options: Partial<JobOptions> = {}, at?: number): Promise<Process> {
  const { tm, scheduler } = bench();
  const clock = new ManualClock(at);
  const lines: { msg: string; level: number }[] = [];
  const logger = pino({}, { write: (line: string) => lines.push(JSON.parse(line)) });
  tm.configure({ broker, clock, logger });
  const ping = tm.task({ name: 'ping', queueName: 'q' }, async () => undefined);
  scheduler.addJob({ id: 'p', func: ping.send, trigger: 'interval', seconds: 10, ...(options as object) });
  await scheduler.start();
  return { clock, scheduler, lines };
}

async function advance(ms: number, ...processes: readonly Process[]): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    for (const { clock } of processes) await clock.advance(500);
  }
}

it('one of ten schedulers sends, another takes over when it stops, and each tick is sent once', async () => {
  const broker = server();
  const all = await Promise.all(Array.from({ length: 10 }, () => start(broker)));
  for (const [index, { scheduler }] of all.entries()) {
    await advance(35_000, ...all);
    expect(await broker.sent()).toBe(Math.floor(((index + 1) * 35_000) / 10_000));
    await scheduler.stop();
  }
  expect(broker.elected).toHaveLength(10);
  expect(all.map(({ scheduler }) => scheduler.getJobs()[0]?.missed)).toEqual(Array(10).fill(0));
});

it('when the leader dies, the next one sends the ticks that are still in time, and counts the others as missed', async () => {
  const broker = server();
  const options = { coalesce: false, misfireGraceTime: '15s' };
  const [first, second] = [await start(broker, options), await start(broker, options)];
  await advance(31_000, first, second);
  expect(await broker.sent()).toBe(3);
  // The leader is dead, and the server notices after 40 s: ticks at 40, 50, 60 and 70 s were not sent.
  await advance(40_000, second);
  expect(await broker.sent()).toBe(3);
  await broker.elected[0]?.release();
  await advance(1_000, second);
  expect(await broker.sent()).toBe(5);
  expect(second.scheduler.getJobs()[0]?.missed).toBe(2);
  await advance(30_000, second);
  expect(await broker.sent()).toBe(8);
});

it('a leader that dies after a send and before it stores the state causes one duplicate', async () => {
  const broker = server();
  const [first, second] = [await start(broker), await start(broker)];
  await advance(20_500, first, second);
  const real = broker.states.set.bind(broker.states);
  const unanswered: (() => void)[] = [];
  broker.states.set = () => new Promise((resolve) => unanswered.push(resolve));
  await advance(10_000, first, second);
  broker.states.set = real;
  expect(await broker.sent()).toBe(3);
  await broker.elected[0]?.release();
  await advance(30_000, second);
  expect(await broker.sent()).toBe(3 + 1 + 3);
  for (const answer of unanswered) answer();
});

it('a leader that stood still during a send does not overwrite the state of the next leader', async () => {
  const broker = server();
  const [first, second] = [await start(broker), await start(broker)];
  await advance(20_500, first, second);
  const real = broker.publish.bind(broker);
  let goOn: () => void = () => undefined;
  broker.publish = async (envelopes) => {
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
    return real(envelopes);
  };
  await advance(10_000, first, second);
  broker.publish = real;
  await broker.elected[0]?.release();
  await advance(20_000, second);
  const noted = await broker.states.get('schedule:last:p');
  goOn();
  await first.clock.advance(500);
  expect(await broker.sent()).toBe(2 + 1 + 3);
  expect(await broker.states.get('schedule:last:p')).toBe(noted);
});

it('the first tick of a job is not lost if the leader dies before it', async () => {
  const broker = server();
  const [first, second] = [await start(broker), await start(broker)];
  await advance(9_000, first, second);
  await advance(3_000, second);
  await second.scheduler.stop();
  // It waits for the lead before the lead is free: otherwise the first one, which is not really dead, would lead again.
  const third = await start(broker, {}, second.clock.now());
  await broker.elected[0]?.release();
  await advance(1_000, third);
  expect(await broker.sent()).toBe(1);
});

it('a scheduler that waits for the lead lists jobs, and pauses and resumes those of the leader', async () => {
  const broker = server();
  const [leader, other] = [await start(broker), await start(broker)];
  await advance(15_000, leader, other);
  expect(other.scheduler.getJobs()[0]).toMatchObject({ id: 'p', paused: false });
  expect(other.scheduler.getJobs()[0]?.nextRunAt?.getTime()).toBe(leader.scheduler.getJobs()[0]?.nextRunAt?.getTime());
  await other.scheduler.pauseJob('p');
  await advance(30_000, leader, other);
  expect(await broker.sent()).toBe(1);
  expect(leader.scheduler.getJobs()[0]?.paused).toBe(true);
  await other.scheduler.resumeJob('p');
  await advance(20_000, leader, other);
  expect(await broker.sent()).toBe(3);
});

it('a pause by a scheduler that waits stops the leader in the middle of many late ticks', async () => {
  const broker = server();
  const options = { coalesce: false, misfireGraceTime: '1h' };
  const first = await start(broker, options);
  await advance(500, first);
  await first.scheduler.stop();
  const [leader, other] = [
    await start(broker, options, first.clock.now() + 200_000),
    await start(broker, options, first.clock.now() + 200_000),
  ];
  const real = broker.publish.bind(broker);
  let left = 3;
  broker.publish = async (envelopes) => {
    if (--left === 0) await other.scheduler.pauseJob('p');
    return real(envelopes);
  };
  await advance(60_000, leader, other);
  expect(await broker.sent()).toBe(3);
});

it('an election that fails is repeated', async () => {
  const broker = server();
  const real = broker.elections.elect.bind(broker.elections);
  broker.elections.elect = () => Promise.reject(new Error('not now'));
  const one = await start(broker);
  broker.elections.elect = real;
  await advance(12_000, one);
  expect(await broker.sent()).toBe(1);
  expect(one.lines.filter(({ msg }) => msg.startsWith('the broker is unreachable'))).toHaveLength(1);
});

it('a scheduler that waits for the lead can be stopped and started again', async () => {
  const broker = server();
  const [leader, other] = [await start(broker), await start(broker)];
  await other.scheduler.stop();
  await other.scheduler.start();
  await leader.scheduler.stop();
  await advance(10_000, leader, other);
  expect(await broker.sent()).toBe(1);
});

it('schedulers of different names have a leader each', async () => {
  const broker = server();
  const clock = new ManualClock();
  const tm = TaskManager.getInstance(randomUUID()).configure({ broker, clock, logLevel: 'silent' });
  const ping = tm.task({ name: 'ping', queueName: 'q' }, async () => undefined);
  for (const name of ['reports', 'mails, and more']) {
    const scheduler = SchedulerManager.getInstance(name, { manager: tm });
    onCleanUp(() => scheduler.stop());
    scheduler.addJob({ id: name, func: ping.send, trigger: 'interval', seconds: 10 });
    await scheduler.start();
  }
  await clock.advance(10_000);
  expect(await broker.sent()).toBe(2);
});

it('a lead that cannot be released does not end the scheduler', async () => {
  const broker = server();
  const one = await start(broker);
  const [leadership] = broker.elected;
  if (leadership === undefined) throw new Error('nobody was elected');
  const release = leadership.release.bind(leadership);
  Object.assign(leadership, { release: () => release().then(() => Promise.reject(new Error('away'))) });
  await release();
  await advance(12_000, one);
  expect(broker.elected).toHaveLength(2);
  expect(await broker.sent()).toBe(1);
});

it('warns to run one scheduler only, if the broker has neither idempotency keys nor elections', async () => {
  class Plain extends MemoryBroker {
    override readonly capabilities: BrokerCapabilities = { ...new MemoryBroker().capabilities, idempotency: false };
    override readonly elections = undefined as never;
  }
  const broker = new Plain();
  onCleanUp(() => broker.close());
  const one = await start(broker);
  expect(one.lines.map(({ msg }) => msg)).toContainEqual(expect.stringMatching(/run one scheduler only/));
  await advance(10_000, one);
  expect((await broker.inspector.counts('q')).published).toBe(1);
});
