import type { Overview } from '../api/types.ts';
import { ROWS, rowOf, STEP_MS } from './history-ring.ts';
import type { TaskMeters } from './task-meters.ts';

type DeadChange = Pick<Overview, 'deadAdded' | 'deadSince' | 'deadNew'>;

/** Rows that may be without a sample although the dashboard looks all the time: a minute. */
const LEFT_OUT = 6;

/**
 * How the number of dead letters changed within the last hour, or since the first sample in it. The figures are left out
 * if the dead letters of some queue are not known now.
 *
 * @param lookedSince when samples without a long gap began: deaths in a gap are not known
 */
export function deadChange({ all }: TaskMeters, at: number, lookedSince: number): DeadChange {
  const last = rowOf(at);
  const start = last - ROWS + 1;
  const now = all.history.get(last, 'dead');
  const rows: number[] = [];
  const known: number[] = [];
  for (let row = start; row < last; row++) {
    const dead = all.history.get(row, 'dead');
    if (dead === undefined) continue;
    rows.push(row);
    known.push(dead);
  }
  const [first] = rows;
  const [before] = known;
  if (now === undefined || first === undefined || before === undefined) return {};
  // The row has the last sample of its ten seconds.
  const since = (first + 1) * STEP_MS;
  // Long samples leave rows out.
  const isHour = first === start || (first < start + LEFT_OUT && lookedSince <= at - ROWS * STEP_MS);
  return {
    deadAdded: now - before,
    ...(!isHour && { deadSince: since }),
    ...(lookedSince < since && { deadNew: Math.max(all.died(last, last - first).count, growthOf([...known, now])) }),
  };
}

/** The sum of all rises. Letters that left in between do not lower it. */
function growthOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number, index) => sum + Math.max(0, number - (numbers[index - 1] ?? number)), 0);
}
