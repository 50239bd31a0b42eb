import { SchedulerManager } from '@brokkr/scheduler';
import { currentTask } from '@brokkr/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AgedReport, TaskTotals } from '@brokkr/core/adapter';
import { TaskMeters } from '../src/sampling/task-meters.ts';
import { rowOf } from '../src/sampling/history-ring.ts';
import { queueRows, workerRows } from '../src/sampling/rows.ts';
import { managerOf, mount } from './mounted.ts';

const NOTHING = { retried: 0, dead: 0, expired: 0, cancelled: 0, leaseLost: 0 };

function report(id: string, startedAt: number, succeeded: number, more: Partial<TaskTotals> = {}): AgedReport {
  const counts = [succeeded, ...new Array<number>(14).fill(0)];
  const totals = {
    queue: 'q',
    task: 'a',
    succeeded,
    ...NOTHING,
    ran: { sumMs: 1, counts },
    waited: { sumMs: 1, counts },
    ...more,
  };
  const rest = {
    host: 'h',
    pid: 1,
    version: '0',
    state: 'running',
    queues: { q: 1 },
    paused: [],
    concurrency: 1,
  } as const;
  return {
    report: { id, startedAt, totals: [totals], ...rest, running: [], runningCount: 0, rssBytes: 1, loopDelayMs: 1 },
    ageMs: 0,
  };
}

describe('rates', () => {
  it('count what ended since the report before, and nothing of before the first look', () => {
    const meters = new TaskMeters();
    meters.take([report('w', 0, 1_000)], 1_000_000);
    expect(meters.seconds(1_000_000)).toBe(0);
    meters.take([report('w', 0, 1_020)], 1_010_000);
    meters.take([report('w', 0, 1_050)], 1_020_000);
    const { done, failed } = meters.queues.get('q')?.rates(rowOf(1_020_000), meters.seconds(1_020_000)) ?? {};
    expect([done, failed]).toEqual([2.5, 0]);
    expect(meters.tasks.get('q a')?.rates(rowOf(1_020_000), 20).done).toBe(2.5);
  });

  it('count a worker that has just started from its start, and none twice', () => {
    const meters = new TaskMeters();
    meters.take([], 1_000_000);
    meters.take([report('new', 1_004_000, 10), report('old', 5, 500)], 1_010_000);
    expect(meters.all.rates(rowOf(1_010_000), 10).done).toBe(1);
    meters.take([report('new', 1_004_000, 10), report('old', 5, 500)], 1_010_500);
    expect(meters.all.rates(rowOf(1_010_500), 10).done).toBe(1);
  });

  it('leave out what ended in a long time without a look, and totals that fell', () => {
    const meters = new TaskMeters();
    meters.take([report('w', 0, 10)], 1_000_000);
    meters.take([report('w', 0, 9_000)], 1_000_000 + 61_000);
    expect(meters.queues.get('q')).toBeUndefined();
    meters.take([report('w', 0, 5)], 1_000_000 + 62_000);
    expect(meters.queues.get('q')).toBeUndefined();
  });

  it('are bounded: at most 2,000 tasks are measured', () => {
    const meters = new TaskMeters();
    meters.take([], 1_000_000);
    const many = Array.from({ length: 3_000 }, (_, index) => report(`w${index}`, 1_001_000, 1, { task: `t${index}` }));
    meters.take(many, 1_002_000);
    expect(meters.tasks.size).toBe(2_000);
    expect(meters.all.rates(rowOf(1_002_000), 1).done).toBe(3_000);
  });
});

describe('figures of an application', () => {
  it('running tasks are listed with their worker and arguments, and cancelled', async () => {
    const tm = await managerOf();
    const task = tm.task({ name: 'import', queueName: 'q' }, async (_file: string) => {
      const { signal } = currentTask();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      throw signal.reason;
    });
    const { id } = await task.send('a.csv');
    const worker = tm.createWorker({ queues: ['q'], workerId: 'w-1' });
    await worker.start();
    const { get, post } = mount(tm);
    const running = async () => (await get('app/queues/q/messages?state=running')).body.items;
    await expect
      .poll(running, { timeout: 20_000 })
      .toMatchObject([{ id, task: 'import', state: 'running', worker: 'w-1', attempt: 1, args: '["a.csv"]' }]);
    expect((await get(`app/queues/q/messages/${id}`)).body).toMatchObject({
      state: 'running',
      startedAt: expect.any(Number),
      worker: 'w-1',
    });
    expect((await post('app/queues/q/messages/cancel', { ids: [id] })).body).toEqual({ done: 0, missing: [id] });
    expect((await post('app/queues/q/messages/cancel', { ids: [id], running: true })).body).toEqual({
      done: 1,
      missing: [],
    });
    await expect.poll(async () => (await tm.queue('q').counts()).running, { timeout: 8_000 }).toBe(0);
    // The last report of its worker, and the sample, still have it.
    expect((await get('app/workers')).body.items[0].runningCount).toBe(1);
    expect(await running()).toEqual([]);
  }, 60_000);

  it('a delayed message is run now, or cancelled; a queue without a worker is a warning', async () => {
    const tm = await managerOf();
    const task = tm.task({ name: 'remind', queueName: 'q' }, async () => undefined);
    const later = task.with({ delay: '1h' });
    const [first, second] = [(await later.send()).id, (await later.send()).id];
    const { get, post } = mount(tm);
    const { body } = await get('app/queues/q/messages?state=delayed');
    expect(body.items).toMatchObject([{ isRetry: false, dueAt: expect.any(Number) }, {}]);
    expect((await post('app/queues/q/messages/promote', { ids: [first, 'x'] })).body).toEqual({
      done: 1,
      missing: ['x'],
    });
    expect((await post('app/queues/q/messages/cancel', { ids: [second] })).body).toEqual({ done: 1, missing: [] });
    const warnings = async () => (await get('app/overview')).body.warnings.map(({ code }: { code: string }) => code);
    await expect.poll(warnings, { timeout: 30_000, interval: 200 }).toContain('QUEUE_UNSERVED');
  }, 60_000);

  it('schedules are listed, paused, resumed and run', async () => {
    const tm = await managerOf();
    const report = tm.task({ name: 'report', queueName: 'q' }, async (_day: string) => undefined);
    const scheduler = SchedulerManager.getInstance('of-the-dashboard', { manager: tm });
    onTestFinished(() => scheduler.removeJob('daily'));
    scheduler.addJob({ id: 'daily', func: report.send, args: ['today'], trigger: 'cron', hour: 2, timezone: 'UTC' });
    const { get, post } = mount(tm, { schedulers: scheduler });
    const job = async () => (await get('app/schedules')).body.items[0];
    expect(await job()).toMatchObject({ id: 'daily', task: 'report', timezone: 'UTC', paused: false });
    expect((await job()).next).toHaveLength(5);
    await post('app/schedules/daily/pause');
    expect(await job()).toMatchObject({ paused: true, next: [] });
    await post('app/schedules/daily/resume');
    expect((await post('app/schedules/daily/run')).body).toEqual({ done: 1, missing: [] });
    expect((await tm.queue('q').counts()).ready).toBe(1);
    expect((await get('session')).body.brokers[0].can.schedules).toBe(true);
    expect((await post('app/schedules/none/run')).status).toBe(404);
  });

  it('a schedule shows its last tick, also during a pause, and no instant between two ticks', async () => {
    const tm = await managerOf();
    const report = tm.task({ name: 'report', queueName: 'q' }, async (_day: string) => undefined);
    const scheduler = SchedulerManager.getInstance('of-last-ticks', { manager: tm });
    onTestFinished(() => scheduler.removeJob('hourly'));
    scheduler.addJob({ id: 'hourly', func: report.send, args: ['today'], trigger: 'cron', minute: 0, timezone: 'UTC' });
    const { get, post } = mount(tm, { schedulers: scheduler });
    const lastAt = async () => (await get('app/schedules')).body.items[0].lastAt;
    const store = async (last: number) => (await tm.broker()).states?.set('schedule:last:hourly', String(last));
    const tick = Math.floor(Date.now() / 3_600_000) * 3_600_000;
    expect(await lastAt()).toBeUndefined();
    await store(tick - 7_200_001);
    expect(await lastAt()).toBeUndefined();
    await store(tick);
    expect(await lastAt()).toBe(tick);
    await post('app/schedules/hourly/pause');
    expect(await lastAt()).toBe(tick);
    await store(tick + 3_600_001);
    expect(await lastAt()).toBeUndefined();
  });
});

describe('the reports of workers', () => {
  const report = (id: string, given: Partial<AgedReport['report']>): AgedReport => ({
    ageMs: 1_000,
    report: {
      ...{ id, host: 'h', pid: 1, version: '0.1.0', startedAt: 0, state: 'running', queues: { q: 1 }, paused: [] },
      ...{ concurrency: 4, running: [], runningCount: 0, totals: [], rssBytes: 1, loopDelayMs: 1 },
      ...given,
    },
  });

  it('count as workers of a queue only if they take its messages', () => {
    const reports = [report('a', {}), report('b', { state: 'quiet' }), report('c', { state: 'stopping' })];
    const figures = [
      { name: 'q', report: { queue: 'q', ready: 1 }, delayedAt: undefined, pausedAt: undefined, oldestAt: undefined },
    ];
    const rows = queueRows({
      figures,
      reports,
      meters: new TaskMeters(),
      at: 9_000,
      countsRunning: true,
      keepsPauses: true,
    });
    expect(rows.get('q')).toMatchObject({ workers: 1, slots: 4 });
  });

  it('mark a worker as silent by the rule of `brokkr workers`', () => {
    const [silent, reporting] = workerRows(
      [
        { ...report('a', {}), ageMs: 12_001 },
        { ...report('b', {}), ageMs: 12_000 },
      ],
      20_000,
    );
    expect(silent).toMatchObject({ id: 'a', silent: true, reportedAt: 7_999 });
    expect(reporting).not.toHaveProperty('silent');
  });

  it('show the suspect for which other messages wait', () => {
    const suspect = { id: 'm1', task: 'render', queue: 'q', crashes: 2, runs: true, since: 5_000 };
    expect(workerRows([report('a', { suspect }), report('b', {})], 9_000)).toMatchObject([
      { id: 'a', suspect: { id: 'm1', task: 'render', queue: 'q', since: 5_000 } },
      { id: 'b' },
    ]);
  });
});

it('queues are shown although another client has overwritten their pauses', async () => {
  const tm = await managerOf();
  await tm.task({ name: 'mail', queueName: 'emails' }, async () => undefined).send();
  const { states } = await tm.broker();
  if (states === undefined) throw new Error('the memory broker keeps states');
  states.get = () => Promise.reject(Object.assign(new Error('a list'), { code: 'KEY_SPOILED' }));
  const { body } = await mount(tm).get('app/queues');
  expect(body.items).toMatchObject([{ name: 'emails', counts: { ready: 1 } }]);
});
