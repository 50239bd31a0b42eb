import type { Inspector } from '@brokkr/core/adapter';
import { Progress } from '../terminal/progress.ts';
import type { LetterChooser } from './letter-choice.ts';
import type { Pace } from './pace.ts';

/** The command `retry` is called `redrive` in the code: a retry is an attempt after a failed one. */
export type Change = 'redrive' | 'discard';

/** Redrives or discards the chosen letters of a queue, step by step. @returns how many */
export async function changeLetters(
  { inspector }: { readonly inspector: Pick<Inspector, Change> },
  queue: string,
  what: Change,
  chooser: LetterChooser,
  pace: Pace,
): Promise<number> {
  const progress = new Progress();
  const verb = what === 'redrive' ? 'retried' : 'discarded';
  const before = pace.done;
  const chosenBefore = chooser.chosen;
  // A limit, once reached, ends the look at further letters, too.
  const full = new AbortController();
  const done = await inspector[what](queue, chooser.choice, {
    batch: pace.batch,
    signal: AbortSignal.any([pace.signal, full.signal]),
    onBatch: async ({ done: changed, looked }) => {
      progress.show(`${queue}: ${looked} dead letters looked at, ${changed} ${verb}`);
      // A server may choose from a whole page before it changes the first letters of it.
      if (chooser.isFull && changed >= chooser.chosen - chosenBefore) full.abort();
      else await pace.wait(before + changed);
    },
  });
  pace.done = before + done;
  progress.end();
  return done;
}
