import * as adapter from '@brokkr/core/adapter';
import type { BulkOptions, Envelope, LetterChoice } from '@brokkr/core/adapter';
import { expect, it } from 'vitest';
import { changeLetters } from '../../src/dead/change-letters.ts';
import { LetterChooser } from '../../src/dead/letter-choice.ts';
import { Pace } from '../../src/dead/pace.ts';

const LETTERS = 30;
const PAGE = 20;

/** A server that chooses letters from a whole page, and then changes them step by step, as Redis does. */
function pagedServer() {
  const looked: number[] = [];
  const redrive = async (_: string, which: LetterChoice, { batch = 500, signal, onBatch }: BulkOptions = {}) => {
    const isChosen = which as (letter: Envelope) => boolean;
    let done = 0;
    for (let first = 0; first < LETTERS && !signal?.aborted; first += PAGE) {
      const page = Array.from({ length: Math.min(PAGE, LETTERS - first) }, () => ({ headers: {} }) as Envelope);
      looked.push(page.length);
      const chosen = page.filter(isChosen).length;
      for (let step = 0; step === 0 || step < chosen; step += batch) {
        if (signal?.aborted) return done;
        done += Math.min(batch, chosen - step);
        await onBatch?.({ done, looked: first + page.length });
      }
    }
    return done;
  };
  return { inspector: { redrive, discard: redrive }, looked };
}

it('a limit with a rate changes as many letters as the limit, also if one page has them all', async () => {
  const { inspector, looked } = pagedServer();
  const chooser = new LetterChooser(adapter, { limit: 10 }, Date.now());
  // Steps of 2 letters: a rate of 10 letters a second in 5 steps a second, without the wait between them.
  const pace = new (class extends Pace {
    override async wait(): Promise<void> {}
  })(10, 10, new AbortController().signal);
  expect(await changeLetters({ inspector }, 'emails', 'redrive', chooser, pace)).toBe(10);
  expect(looked).toEqual([PAGE]);
});

it('a limit counts the letters that were changed in the queues before', async () => {
  const { inspector } = pagedServer();
  const chooser = new LetterChooser(adapter, { limit: 40 }, Date.now());
  const pace = new Pace(undefined, 40, new AbortController().signal);
  expect(await changeLetters({ inspector }, 'emails', 'discard', chooser, pace)).toBe(30);
  expect(await changeLetters({ inspector }, 'pdf', 'discard', chooser, pace)).toBe(10);
});
