import type { AgedReport } from '@brokkr/core/adapter';
import { describe, expect, it } from 'vitest';
import type { QueueRow } from '../src/index.ts';
import { rowOf } from '../src/sampling/history-ring.ts';
import { RecentDeaths } from '../src/sampling/recent-deaths.ts';
import { SilentWorkers } from '../src/sampling/silent-workers.ts';
import { TaskMeters } from '../src/sampling/task-meters.ts';
import { burstsOf, queueWarnings, waitingAlone } from '../src/sampling/warnings.ts';
import { managerOf } from './mounted.ts';

const AT = 1_000_000_000;

function row(counts: QueueRow['counts']): QueueRow {
  return { name: 'q', counts, asOf: {}, workers: 0, trend: [] };
}

/** What the overview says of a burst, when `dead` letters are in the queue. */
function burst(meters: TaskMeters, dead: number) {
  return burstsOf([row({ dead })], meters, AT).map((each) => new RecentDeaths().warning(each, AT));
}

describe('warnings of deaths', () => {
  it('count the deaths that workers reported, also if letters are retried at the same time', () => {
    const meters = new TaskMeters();
    const meter = meters.queueMeter('q');
    const ended = { succeeded: 0, failed: 9, dead: 9, ran: [], waited: [] };
    for (const minutes of [11, 6, 3]) meter?.add(rowOf(AT - minutes * 60_000), ended);
    meter?.history.set(rowOf(AT - 300_000), 'dead', 40);
    expect(burst(meters, 41)).toMatchObject([{ message: '18 messages died in 10 minutes', since: AT - 360_000 }]);
    expect(burst(meters, 0)).toEqual([]);
  });

  it('say how many more are dead than before, if no worker counted the deaths', () => {
    const meters = new TaskMeters();
    const history = meters.queueMeter('q')?.history;
    for (const [minutes, dead] of [
      [9, 4],
      [8, 4],
      [5, 6],
    ] as const)
      history?.set(rowOf(AT - minutes * 60_000), 'dead', dead);
    const message = '11 more dead letters within 10 minutes';
    expect(burst(meters, 15)).toMatchObject([{ message, count: 11, since: AT - 300_000 }]);
    expect(burst(meters, 13)).toEqual([]);
  });
});

describe('the begin of a burst', () => {
  it('is that of the last run of deaths that is a burst, also if an older one is within the ten minutes', () => {
    const meters = new TaskMeters();
    const meter = meters.queueMeter('q');
    const die = (minutes: number, dead: number) =>
      meter?.add(rowOf(AT - minutes * 60_000), { succeeded: 0, failed: dead, dead, ran: [], waited: [] });
    die(8, 12);
    die(2, 9);
    die(1, 9);
    expect(burst(meters, 30)).toMatchObject([{ count: 30, since: AT - 120_000 }]);
  });

  it('is that of the burst, not of one letter that died minutes later', () => {
    const history = new TaskMeters();
    const ring = history.queueMeter('q')?.history;
    for (const [minutes, dead] of [
      [9, 0],
      [6, 20],
    ] as const)
      ring?.set(rowOf(AT - minutes * 60_000), 'dead', dead);
    expect(burst(history, 21)).toMatchObject([{ count: 21, since: AT - 360_000 }]);
  });

  it('is not the time of letters that died before the dashboard looked', async () => {
    const { inspector } = await (await managerOf()).broker();
    const letter = (id: string, at: number) => ({
      ...{ id, queue: 'q.dead', body: Buffer.from('[]') },
      headers: { 'brokkr-task': 'pdf', 'brokkr-reason': 'Error: no', 'brokkr-dead-at': String(at) },
    });
    const old = Array.from({ length: 28 }, (_, index) => letter(`old-${index}`, AT - 400_000));
    const fresh = Array.from({ length: 12 }, (_, index) => letter(`new-${index}`, AT - 30_000));
    await inspector?.bury?.('q', [...old, ...fresh]);
    const deaths = new RecentDeaths();
    await deaths.read(inspector, [row({ dead: 40 })]);
    const meters = new TaskMeters();
    const history = meters.queueMeter('q')?.history;
    history?.set(rowOf(AT - 60_000), 'dead', 28);
    history?.set(rowOf(AT - 30_000), 'dead', 40);
    const [warning] = burstsOf([row({ dead: 40 })], meters, AT).map((each) => deaths.warning(each, AT));
    expect(warning).toMatchObject({ count: 12, since: AT - 30_000 });
  });
});

describe('a warning of a queue without a worker', () => {
  it('says since when: from the first sample that saw it so', () => {
    const rows = [row({ ready: 2 })];
    const first = waitingAlone(rows, new Map(), AT);
    const then = waitingAlone(rows, first, AT + 5_000);
    expect(queueWarnings(rows, true, then)).toMatchObject([{ code: 'QUEUE_UNSERVED', since: AT }]);
    expect(queueWarnings(rows, true, new Map())).toEqual([]);
    expect(waitingAlone([row({ ready: 0 })], then, AT + 10_000).size).toBe(0);
  });
});

describe('a warning of a crash', () => {
  it('names the message, its task and when, until the letter is gone', async () => {
    const { inspector } = await (await managerOf()).broker();
    const reasons = {
      killer: 'crashed: 3 workers died or lost their lease while they held it',
      blocker: 'blocked the event loop for 40 s: 3 deliveries ended with a lost lease or a dead worker',
      other: 'Error: crashed: no',
    };
    const letters = Object.entries(reasons).map(([id, reason], index) => ({
      ...{ id, queue: 'q.dead', body: Buffer.from('[]') },
      headers: { 'brokkr-task': 'pdf', 'brokkr-reason': reason, 'brokkr-dead-at': String(AT + index) },
    }));
    await inspector?.bury?.('q', letters);
    const deaths = new RecentDeaths();
    await deaths.read(inspector, [row({ dead: 3 })]);
    expect(deaths.crashes()).toMatchObject([
      { code: 'DEAD_CRASHED', id: 'blocker', message: `message blocker of pdf ${reasons.blocker}` },
      { queue: 'q', task: 'pdf', id: 'killer', message: `message killer of pdf ${reasons.killer}`, since: AT },
    ]);
    await inspector?.discard('q', 'all');
    await deaths.read(inspector, [row({ dead: 0 })]);
    expect(deaths.crashes()).toEqual([]);
  });
});

describe('a warning of a silent worker', () => {
  const run = { id: 'm-1', task: 'pdf', queue: 'q', attempt: 1, startedAt: AT };
  const report = (ageMs: number, running = [run]): AgedReport => ({
    report: {
      ...{ id: 'w', host: 'h', pid: 7, version: '0', startedAt: 0, state: 'running', queues: { q: 1 }, paused: [] },
      ...{ concurrency: 1, running, runningCount: running.length, totals: [], rssBytes: 1, loopDelayMs: 1 },
    },
    ageMs,
  });

  it('names it, since when, and what it ran, also after the broker has forgotten it', () => {
    const silent = new SilentWorkers();
    expect(silent.warnings([report(12_000)], AT)).toEqual([]);
    const message = 'worker w on h (process 7) sends no reports, and did not stop; it ran pdf of q (m-1)';
    const warning = { severity: 'warning', code: 'WORKER_SILENT', message, worker: 'w', since: AT - 12_000 };
    expect(silent.warnings([report(17_000)], AT + 5_000)).toEqual([warning]);
    expect(silent.warnings([], AT + 60_000)).toEqual([warning]);
    expect(silent.warnings([report(1_000)], AT + 70_000)).toEqual([]);
    expect(silent.warnings([report(13_000, [])], AT)[0]?.message).toMatch(/it ran nothing$/);
    expect(silent.warnings([], AT + 700_000)).toEqual([]);
  });

  it('is not shown of one that stops, or of one among very many', () => {
    const silent = new SilentWorkers();
    expect(silent.warnings([report(13_000)], AT)).toHaveLength(1);
    expect(silent.warnings([], AT + 5_000)).toEqual([]);
    const many = Array.from({ length: 1_000 }, () => report(20_000));
    expect(silent.warnings(many, AT)).toEqual([]);
  });
});
