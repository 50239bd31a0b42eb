import { MemoryBroker } from '@brokkr/broker-memory';
import { ManualClock } from '@brokkr/core/testing';
import { describe, expect, it } from 'vitest';
import { bench, held, onCleanUp } from './bench.ts';

describe('a schedule in virtual time', () => {
  it('sends the 365 ticks of a daily job in a year', async () => {
    const { tm, scheduler } = bench();
    const days: string[] = [];
    const cleanUp = tm.task({ name: 'cleanUp' }, async () => {
      days.push(new Date(app.clock.now()).toISOString());
    });
    const app = held([cleanUp]);
    scheduler.addJob({ id: 'daily', func: cleanUp.send, trigger: 'cron', hour: 2, timezone: 'UTC' });
    await scheduler.start();
    await app.advance('365d');
    expect(days).toHaveLength(365);
    expect(new Set(days).size).toBe(365);
    expect(days[0]).toBe('2030-01-01T02:00:00.000Z');
  });

  it('sends arguments, by an interval, at a date, and through with()', async () => {
    const { tm, scheduler } = bench();
    const note = tm.task({ name: 'note' }, async (_text: string, _at?: number) => undefined);
    const app = held([note]);
    scheduler.addJob({ id: 'often', func: note.send, trigger: 'interval', minutes: 5, args: ['i'] });
    scheduler.addJob({
      id: 'once',
      func: note.with({ queueName: 'batch' }).send,
      trigger: 'date',
      runDate: new Date('2030-01-01T00:12:00Z'),
      args: ['d', 1],
    });
    await scheduler.start();
    await app.advance('16m');
    expect(app.sent(note)).toEqual([['i'], ['i'], ['d', 1], ['i']]);
    expect(scheduler.getJobs().map(({ nextRunAt }) => nextRunAt?.toISOString())).toEqual([
      '2030-01-01T00:20:00.000Z',
      undefined,
    ]);
  });

  it('sends the task of a job at once, beside its schedule', async () => {
    const { tm, scheduler } = bench();
    const note = tm.task({ name: 'note' }, async (_text: string) => undefined);
    const app = held([note]);
    scheduler.addJob({ id: 'hourly', func: note.send, trigger: 'interval', hours: 1, args: ['x'] });
    await scheduler.start();
    expect(await scheduler.runJob('hourly')).toMatch(/^[\w-]{22}$/);
    await app.advance('1h');
    expect(app.sent(note)).toEqual([['x'], ['x']]);
    await expect(scheduler.runJob('none')).rejects.toThrow('there is no job');
  });

  it('can be paused, resumed, rescheduled and removed; ticks of a pause are not made up for', async () => {
    const { tm, scheduler } = bench();
    const ping = tm.task({ name: 'ping' }, async () => undefined);
    const app = held([ping]);
    scheduler.addJob({ id: 'p', func: ping.send, trigger: 'interval', hours: 1 });
    await scheduler.start();
    await app.advance('3h');
    expect(app.sent(ping)).toHaveLength(3);
    await scheduler.pauseJob('p');
    expect(scheduler.getJobs()[0]).toMatchObject({ paused: true, nextRunAt: undefined });
    await app.advance('3h');
    await scheduler.resumeJob('p');
    await app.advance('59m');
    expect(app.sent(ping)).toHaveLength(3);
    await app.advance('1m');
    expect(app.sent(ping)).toHaveLength(4);
    scheduler.rescheduleJob('p', { trigger: 'interval', minutes: 10 });
    await app.advance('1h');
    expect(app.sent(ping)).toHaveLength(10);
    await scheduler.removeJob('p');
    await app.advance('1d');
    expect(app.sent(ping)).toHaveLength(10);
  });

  it('has no tick outside of start and end, and its jitter only delays', async () => {
    const { tm, scheduler } = bench();
    const starts: number[] = [];
    const ping = tm.task({ name: 'ping' }, async () => {
      starts.push(app.clock.now());
    });
    const app = held([ping]);
    const start = new Date('2030-01-01T01:00:00Z');
    const end = new Date('2030-01-01T02:00:00Z');
    scheduler.addJob({ id: 'b', func: ping.send, trigger: 'interval', minutes: 10, start, end, jitter: '30s' });
    await scheduler.start();
    await app.advance('1d');
    expect(starts).toHaveLength(7);
    const late = starts.map((at, index) => at - (start.getTime() + index * 600_000));
    expect(late.every((ms) => ms >= 0 && ms <= 30_000)).toBe(true);
    expect(new Set(late).size).toBeGreaterThan(1);
  });
});

describe('several schedulers on one broker', () => {
  it('send each tick once, even if most of them are stopped', async () => {
    const clock = new ManualClock();
    const broker = new MemoryBroker({ clock });
    onCleanUp(() => broker.close());
    const schedulers = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const { tm, scheduler } = bench();
        await tm.initialize({ broker, clock, logLevel: 'silent' });
        const ping = tm.task({ name: 'ping', queueName: 'q' }, async () => undefined);
        scheduler.addJob({ id: 'p', func: ping.send, trigger: 'interval', seconds: 10 });
        await scheduler.start();
        return scheduler;
      }),
    );
    await clock.advance(60_000);
    expect((await broker.inspector.counts('q')).published).toBe(6);
    await Promise.all(schedulers.slice(1).map((scheduler) => scheduler.stop()));
    await clock.advance(60_000);
    expect((await broker.inspector.counts('q')).published).toBe(12);
  });

  it('after a restart send the ticks that are still in time, count the others as missed, and keep a pause', async () => {
    const clock = new ManualClock();
    const broker = new MemoryBroker({ clock });
    onCleanUp(() => broker.close());
    const open = async (coalesce: boolean) => {
      const { tm, scheduler } = bench();
      await tm.initialize({ broker, clock, logLevel: 'silent' });
      const ping = tm.task({ name: 'ping', queueName: 'q' }, async () => undefined);
      const grace = { coalesce, misfireGraceTime: '35s' };
      scheduler.addJob({ id: 'p', func: ping.send, trigger: 'interval', seconds: 10, ...grace });
      await scheduler.start();
      await clock.advance(0);
      return scheduler;
    };
    const first = await open(true);
    await clock.advance(10_000);
    await first.stop();
    // Ticks at 20 to 100 s are late. Those at 70 to 100 s are still in time.
    await clock.advance(91_000);
    const second = await open(false);
    expect((await broker.inspector.counts('q')).published).toBe(1 + 4);
    expect(second.getJobs()[0]?.missed).toBe(5);
    await second.pauseJob('p');
    await second.stop();
    const third = await open(true);
    await clock.advance(60_000);
    expect(third.getJobs()[0]?.paused).toBe(true);
    expect((await broker.inspector.counts('q')).published).toBe(5);
  });

  it('send a runDate that has just passed, and count an older one as missed', async () => {
    const { tm, scheduler } = bench();
    const clock = new ManualClock();
    const broker = new MemoryBroker({ clock });
    onCleanUp(() => broker.close());
    await tm.initialize({ broker, clock, logLevel: 'silent' });
    const ping = tm.task({ name: 'ping', queueName: 'q' }, async () => undefined);
    const ago = (ms: number) => new Date(clock.now() - ms);
    scheduler.addJob({ id: 'just', func: ping.send, trigger: 'date', runDate: ago(30_000) });
    scheduler.addJob({ id: 'long', func: ping.send, trigger: 'date', runDate: ago(10 * 86_400_000) });
    await scheduler.start();
    await clock.advance(60_000);
    expect((await broker.inspector.counts('q')).published).toBe(1);
    expect(scheduler.getJobs().map(({ missed }) => missed)).toEqual([0, 1]);
  });
});

it('a pause during the sending of a tick is not undone by that tick', async () => {
  const { tm, scheduler } = bench();
  const clock = new ManualClock();
  const broker = new MemoryBroker({ clock });
  onCleanUp(() => broker.close());
  await tm.initialize({ broker, clock, logLevel: 'silent' });
  const ping = tm.task({ name: 'ping', queueName: 'q' }, async () => undefined);
  scheduler.addJob({ id: 'p', func: ping.send, trigger: 'interval', seconds: 10 });
  const real = broker.publish.bind(broker);
  broker.publish = async (envelopes) => {
    // As another process on the same broker would.
    await scheduler.pauseJob('p');
    return real(envelopes);
  };
  await scheduler.start();
  await clock.advance(60_000);
  expect((await broker.inspector.counts('q')).published).toBe(1);
  await scheduler.readState();
  expect(scheduler.getJobs()[0]?.paused).toBe(true);
});

it('managers() returns its own task manager first, then those of the tasks', () => {
  const { tm, scheduler } = bench();
  const { tm: another } = bench();
  for (const [id, manager] of [
    ['a', another],
    ['b', tm],
    ['c', another],
  ] as const) {
    const ping = manager.task({ name: `ping-${id}` }, async () => undefined);
    scheduler.addJob({ id, func: ping.send, trigger: 'interval', seconds: 10 });
  }
  expect(scheduler.managers()).toEqual([tm, another]);
});
