import { describe, expect, it } from 'vitest';
import type { QueueRow } from '../src/index.ts';
import { rowOf } from '../src/sampling/history-ring.ts';
import { RecentDeaths } from '../src/sampling/recent-deaths.ts';
import { TaskMeters } from '../src/sampling/task-meters.ts';
import { burstsOf, queueWarnings, waitingAlone } from '../src/sampling/warnings.ts';

const AT = 1_000_000_000;

function row(counts: QueueRow['counts']): QueueRow {
  return { name: 'q', counts, asOf: {}, workers: 0, trend: [] };
}

/** What the overview says of a burst, when `dead` letters are in the queue. */
function burst(meters: TaskMeters, dead: number) {
  return burstsOf([row({ dead })], meters, AT).map((each) => new RecentDeaths().warning(each, AT));
}

describe('warnings of deaths', () => {
  it('count the deaths that workers reported, also if letters are retried meanwhile', () => {
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
    const message = '11 more dead letters than 10 minutes ago';
    expect(burst(meters, 15)).toMatchObject([{ message, count: 11, since: AT - 300_000 }]);
    expect(burst(meters, 13)).toEqual([]);
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
