import { describe, expect, it } from 'vitest';
import { deadChange } from '../src/sampling/dead-change.ts';
import { rowOf } from '../src/sampling/history-ring.ts';
import { keepCounts } from '../src/sampling/rows.ts';
import { TaskMeters } from '../src/sampling/task-meters.ts';
import { managerOf, mount } from './mounted.ts';

const AT = 1_000_000_000;
const MINUTE = 60_000;

/** Meters that have seen these numbers of dead letters, by minutes before now. */
function seen(...numbers: readonly (readonly [minutesAgo: number, dead: number])[]): TaskMeters {
  const meters = new TaskMeters();
  for (const [minutes, dead] of numbers) meters.all.history.set(rowOf(AT - minutes * MINUTE), 'dead', dead);
  return meters;
}

describe('the change of dead letters', () => {
  it('is that of the last hour if the dashboard has looked for an hour', () => {
    const meters = seen([61, 1], [59.8, 2], [30, 2], [0, 5]);
    expect(deadChange(meters, AT, AT - 120 * MINUTE)).toEqual({ deadAdded: 3, deadNew: 3 });
  });

  it('says since when if the dashboard looks for minutes only', () => {
    const meters = seen([4, 28], [0, 28]);
    expect(deadChange(meters, AT, AT - 4 * MINUTE)).toEqual({
      deadAdded: 0,
      deadNew: 0,
      deadSince: AT - 4 * MINUTE + 10_000,
    });
  });

  it('is negative if letters left, and counts those that died nevertheless', () => {
    const meters = seen([4, 28], [3, 30], [2, 1], [0, 1]);
    expect(deadChange(meters, AT, AT - 4 * MINUTE)).toMatchObject({ deadAdded: -27, deadNew: 2 });
    meters.all.add(rowOf(AT - MINUTE), { succeeded: 0, failed: 5, dead: 5, ran: [], waited: [] });
    expect(deadChange(meters, AT, AT - 4 * MINUTE)).toMatchObject({ deadAdded: -27, deadNew: 5 });
  });

  it('does not say how many died if the dashboard did not look all the time', () => {
    const meters = seen([50, 3], [49, 3], [2, 3], [0, 3]);
    expect(deadChange(meters, AT, AT - 2 * MINUTE)).not.toHaveProperty('deadNew');
  });

  it('is not known before the second sample, or while a queue cannot be read', () => {
    expect(deadChange(seen([0, 28]), AT, AT)).toEqual({});
    const meters = seen([1, 28]);
    const report = (queue: string, dead?: number) => ({
      ...{ name: queue, report: { queue, ...(dead !== undefined && { dead }) } },
      ...{ delayedAt: undefined, pausedAt: undefined, oldestAt: undefined },
    });
    keepCounts([report('a', 1), report('b')], meters, AT);
    expect(deadChange(meters, AT, AT - MINUTE)).toEqual({});
    keepCounts([report('a', 1), report('b', 27)], meters, AT);
    expect(deadChange(meters, AT, AT - MINUTE)).toMatchObject({ deadAdded: 0 });
  });
});

it('the overview says since when the dashboard has looked', async () => {
  const tm = await managerOf();
  const before = Date.now();
  const { body } = await mount(tm).get('app/overview');
  expect(body.lookedSince).toBeGreaterThanOrEqual(before);
  expect(body.at).toBeGreaterThanOrEqual(body.lookedSince);
});
