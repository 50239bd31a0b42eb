import type { BulkRequest, LetterQuery } from '../../../src/api/types.ts';
import { ApiError } from '../api/client.ts';
import { ask, type Question } from '../parts/dialog.tsx';
import { moveTo } from './new-queue.ts';
import { otherQueues } from './other-queues.ts';
import { timeOfDay } from '../text/clock-time.ts';
import { count, plural } from '../text/number.ts';
import { startBulk } from './perform.ts';

/** Letters that match a filter, and how many the user saw. */
export interface Matching {
  readonly queue: string;
  readonly filter: LetterQuery;
  /** The filter in words. */
  readonly facts: readonly (readonly [string, string])[];
  readonly expect: number;
  /** When they were counted, by the server's clock. Letters that died later are left alone. */
  readonly countedAt: number;
}

/** Above this number the server wants the queue's name typed. */
const TYPED_ABOVE = 100;

const WORDS = {
  retry: { verb: 'Retry', text: 'They go back into the queue and count their attempts from 1 again.', look: 'go' },
  discard: {
    verb: 'Discard',
    text: 'They are removed for good: no copy is kept, and they cannot be retried.',
    look: 'kill',
  },
  move: {
    verb: 'Move',
    text: 'They become ready messages of the other queue, and count their attempts from 1 again.',
    look: 'go',
  },
} as const;

/** Asks before a bulk job starts, with the number that is expected to change. */
export function askForBulk(action: BulkRequest['do'], matching: Matching): void {
  ask(questionOf(action, matching));
}

/** The answer that the server refused, because the number was wrong. */
interface Refused {
  readonly before: number;
  /** The queue that was typed. */
  readonly to: string;
}

/** @param refused if it is asked again */
function questionOf(action: BulkRequest['do'], matching: Matching, refused?: Refused): Question {
  const { queue, facts, expect, countedAt } = matching;
  const filter = { ...matching.filter, until: countedAt };
  const { verb, text, look } = WORDS[action];
  const isTyped = action === 'discard' || expect > TYPED_ABOVE;
  return {
    title: `${verb} ${plural(expect, 'dead message')} of ${queue}?`,
    text,
    facts: [
      ...facts,
      ['Died until', timeOfDay(countedAt)],
      ['Match', refused === undefined ? count(expect) : `${count(expect)}, not ${count(refused.before)}`],
    ],
    typed: isTyped ? { label: 'Type the queue’s name to go on:', name: queue } : undefined,
    input:
      action === 'move'
        ? { label: 'To the queue', value: refused?.to, suggestions: () => otherQueues(queue) }
        : undefined,
    note:
      refused === undefined
        ? 'Letters that die from now on are left alone. If the number is off by more than 10 %, nothing is changed.'
        : 'The number on the page was wrong, so nothing was changed yet.',
    cancel: action === 'discard' ? 'Keep them' : 'Cancel',
    confirm: `${verb} ${count(expect)}`,
    look,
    run: async ({ typed, input }) => {
      const start = async (create: boolean) => {
        const request = {
          ...{ do: action, queue, filter, expect },
          ...(action === 'move' && { to: input, create }),
          ...(isTyped && { confirm: typed }),
        };
        try {
          await startBulk(request, `Started: ${verb.toLowerCase()} ${plural(expect, 'message')} of ${queue}.`);
        } catch (error) {
          // Letters left since they were counted, or could not all be counted. It asks again, with the number of now.
          if (!(error instanceof ApiError) || error.matched === undefined || error.matched === 0) throw error;
          ask(questionOf(action, { ...matching, expect: error.matched }, { before: expect, to: input }));
        }
      };
      if (action !== 'move') return start(false);
      return moveTo(input, { title: `Move ${plural(expect, 'dead message')} to a new queue?`, move: start });
    },
  };
}
