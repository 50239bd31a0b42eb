import { MemoryBroker } from '@brokkr/broker-memory';
import { ConfigError, type SendOptions, type Task } from '@brokkr/core';
import type { ManualClock } from '@brokkr/core/testing';
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import type { JobOptions, SchedulerManager } from '../src/index.ts';
import { bench, ElectingOnly, type Line, onCleanUp, type Place, place, sent } from './bench.ts';

interface Process {
  readonly scheduler: SchedulerManager;
  readonly task: Task<readonly unknown[]>;
  readonly ran: string[];
  readonly lines: readonly Line[];
}

interface Given {
  readonly send?: SendOptions;
  readonly job?: Partial<JobOptions>;
  readonly priorities?: boolean;
  readonly isWorking?: boolean;
}

/** A process with a scheduler and a worker. Its job is due every ten seconds. */
async function run({ clock, broker }: Place, { send = {}, job, priorities = false, isWorking = true }: Given = {}) {
  const { tm, scheduler } = bench();
  const lines: Line[] = [];
  tm.configure({ broker, clock, logger: pino({}, { write: (line: string) => lines.push(JSON.parse(line)) }) });
  const ran: string[] = [];
  const task = tm.task({ name: 'ping', queueName: 'q', priorities }, async (from: unknown = 'tick') => {
    ran.push(String(from));
  });
  const given = { id: 'p', func: task.with(send).send, trigger: 'interval', seconds: 10, ...job };
  scheduler.addJob(given as unknown as JobOptions);
  await scheduler.start();
  if (isWorking) {
    const worker = tm.createWorker({ queues: ['q'] });
    await worker.start();
    onCleanUp(() => worker.stop({ timeout: 0 }));
  }
  return { scheduler, task, ran, lines } as unknown as Process;
}

const JOINING: readonly SendOptions[] = [
  { unique: 'k' },
  { unique: { key: 'k', while: 'waiting' } },
  { throttle: { key: 'k', window: '5s' } },
  { debounce: { key: 'k', wait: '2s' } },
];

const KINDS = [
  ['on a broker with idempotency keys', (clock: ManualClock) => new MemoryBroker({ clock })],
  ['on a broker that elects', (clock: ManualClock) => new ElectingOnly({ clock })],
] as const;

describe.each(KINDS)('a job whose messages are joined, %s', (_, make) => {
  it.each(JOINING)('sends each tick with %j', async (send) => {
    const given = place(make);
    const { ran, scheduler } = await run(given, { send });
    await given.clock.advance(45_000);
    expect(ran).toHaveLength(4);
    expect(scheduler.getJobs()[0]?.missed).toBe(0);
  });

  it.each(JOINING)('sends each tick once with %j, if two schedulers race', async (send) => {
    const given = place(make);
    const processes = await Promise.all([run(given, { send }), run(given, { send })]);
    await given.clock.advance(45_000);
    expect(processes.flatMap(({ ran }) => ran)).toHaveLength(4);
    expect(await sent(given)).toBe(4);
  });

  it('logs a tick that is joined with another message, and counts it as sent', async () => {
    const given = place(make);
    const { task, lines, scheduler } = await run(given, { send: { unique: 'k' }, isWorking: false });
    const { id } = await task.with({ unique: 'k' }).send('other');
    await given.clock.advance(15_000);
    expect(await sent(given)).toBe(1);
    expect(lines.filter(({ job }) => job === 'p')).toMatchObject([
      { msg: 'tick joined with another message', option: 'unique', outcome: 'duplicate', message: id },
    ]);
    expect(scheduler.getJobs()[0]?.missed).toBe(0);
  });

  it("overlap: 'skip' does not block the job behind a message that another sender stored", async () => {
    const given = place(make);
    const { task, ran } = await run(given, { send: { unique: 'k' }, job: { overlap: 'skip' }, isWorking: false });
    await task.with({ unique: 'k' }).send('other');
    await given.clock.advance(25_000);
    expect(await sent(given), 'its ticks are joined with that message').toBe(1);
    const { ran: also } = await run(given, { send: { unique: 'k' }, job: { overlap: 'skip' } });
    await given.clock.advance(20_000);
    expect([...ran, ...also]).toEqual(['other', 'tick', 'tick']);
  });

  it("overlap: 'skip' waits for a debounced tick, also if another sender has replaced its arguments", async () => {
    const given = place(make);
    const send = { debounce: { key: 'k', wait: '15s' } } as const;
    const { task, ran, lines } = await run(given, { send, job: { overlap: 'skip' } });
    await given.clock.advance(11_000);
    expect((await task.with(send).send('other')).outcome).toBe('replaced');
    await given.clock.advance(10_000);
    expect(lines.filter(({ msg }) => msg === 'tick skipped: the last run has not ended')).toHaveLength(1);
    // It runs at 26 s. The tick of 30 s is sent, and runs at 45 s.
    await given.clock.advance(25_000);
    expect(ran).toEqual(['other', 'tick']);
  });

  it("overlap: 'skip' waits for a message in any lane of its queue", async () => {
    const given = place(make);
    await run(given, { send: { priority: 'high' }, priorities: true, job: { overlap: 'skip' }, isWorking: false });
    await given.clock.advance(35_000);
    expect((await given.broker.inspector.counts('q.prio.high')).published).toBe(1);
  });
});

it('sends a tick that a scheduler had claimed when it died, ten seconds later', async () => {
  const given = place();
  const send = { unique: 'k' };
  const firstTick = Math.floor(given.clock.now() / 10_000 + 1) * 10_000;
  await given.clock.advance(firstTick - given.clock.now() - 1_000);
  // As a process leaves it that was killed before its send.
  const owner = new Map([['owner', Buffer.from('dead')]]);
  await given.broker.records.change([{ key: `schedule:tick:p:${firstTick}`, set: owner, ttlMs: 10_000 }]);
  const { ran, scheduler } = await run(given, { send });
  await given.clock.advance(8_000);
  expect(ran).toEqual([]);
  await given.clock.advance(2_900);
  expect([ran.length, scheduler.getJobs()[0]?.missed]).toEqual([1, 0]);
});

it('sends a tick whose send failed, by the same scheduler or another one', async () => {
  const given = place();
  const { ran, scheduler } = await run(given, { send: { unique: 'k' } });
  const real = given.broker.publish.bind(given.broker);
  given.broker.publish = () => Promise.reject(new Error('away'));
  await given.clock.advance(11_000);
  expect(ran).toEqual([]);
  given.broker.publish = real;
  await given.clock.advance(4_000);
  expect([ran.length, scheduler.getJobs()[0]?.missed]).toEqual([1, 0]);
});

it('refuses a job whose messages are joined at start(), if the broker keeps no records', async () => {
  class Recordless extends MemoryBroker {
    override readonly records = undefined as never;
  }
  const given = place((clock) => new Recordless({ clock }));
  const starting = run(given, { send: { throttle: { key: 'k', window: '1s' } } });
  await expect(starting).rejects.toThrow(ConfigError);
  await expect(starting).rejects.toThrow(/job "p": throttle needs a broker that keeps records/);
});
