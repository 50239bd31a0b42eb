import type { MessageRow } from '../../../src/api/types.ts';
import { duration } from '../text/duration.ts';
import { count } from '../text/number.ts';

/** A task that runs, as far as it is known. */
export type Run = Pick<MessageRow, 'id' | 'task' | 'worker' | 'startedAt'>;

/** Tasks that are named one by one. */
const NAMED = 5;

/** Facts for a dialog about tasks that run: which they are, on which worker, and for how long. */
export function runFacts(runs: readonly Run[], now: number): readonly (readonly [name: string, value: string])[] {
  const [run] = runs;
  if (run !== undefined && runs.length === 1) {
    return [
      ['Id', run.id],
      ['Task', run.task === '' ? 'no name' : run.task],
      ['Worker', run.worker ?? 'unknown'],
      ['Runs for', spanOf(run, now)],
    ];
  }
  const named = runs
    .slice(0, NAMED)
    .map(
      (each) => [each.id, `${each.task} on ${each.worker ?? 'an unknown worker'}, for ${spanOf(each, now)}`] as const,
    );
  return runs.length > NAMED ? [...named, ['and', `${count(runs.length - NAMED)} more`]] : named;
}

function spanOf({ startedAt }: Run, now: number): string {
  return startedAt === undefined ? 'an unknown time' : duration(Math.max(0, now - startedAt));
}
