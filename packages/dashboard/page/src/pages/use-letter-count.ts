import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { BulkRequest } from '../../../src/api/types.ts';
import { askForBulk, type Matching } from '../actions/bulk-actions.ts';
import { countMatches } from '../actions/letter-filter.ts';
import { ApiError } from '../api/client.ts';
import { notify } from '../parts/notices.tsx';

/** A count of matches that runs before a bulk job can be asked for. */
export interface LetterCount {
  /** Letters looked at so far; `undefined` while nothing is counted. */
  readonly looked: number | undefined;
  /** Counts if the number is not known yet, then asks. */
  readonly begin: (action: BulkRequest['do'], matching: Omit<Matching, 'expect'>, known: number | undefined) => void;
  readonly stop: () => void;
}

/** Counts in the background of a page, and stops when the page closes. */
export function useLetterCount(): LetterCount {
  const looked = useSignal<number | undefined>(undefined);
  const running = useRef<AbortController>(undefined);
  const stop = () => {
    running.current?.abort();
    looked.value = undefined;
  };
  useEffect(() => stop, []);
  return {
    looked: looked.value,
    stop,
    begin: (action, matching, known) => {
      stop();
      if (known !== undefined) {
        askForBulk(action, { ...matching, expect: known });
        return;
      }
      const aborter = new AbortController();
      running.current = aborter;
      looked.value = 0;
      const onProgress = (seen: number) => {
        if (!aborter.signal.aborted) looked.value = seen;
      };
      countMatches(matching.queue, { ...matching.filter, until: matching.countedAt }, onProgress, aborter.signal)
        .then((expect) => {
          if (!aborter.signal.aborted) askForBulk(action, { ...matching, expect });
        })
        .catch((error: unknown) => {
          if (!aborter.signal.aborted && error instanceof ApiError) notify(error.message, { tone: 'failed' });
        })
        .finally(() => {
          if (!aborter.signal.aborted) looked.value = undefined;
        });
    },
  };
}
