import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenedBroker } from '../app/open-broker.ts';
import { UsageError } from '../exit.ts';
import { runUntilStopped } from '../processes/run-until-stopped.ts';
import { findLetters } from './find-letters.ts';
import type { NamedLetters } from './letters-named.ts';
import { Pace } from './pace.ts';

/** If the server shows letters from the front only, a look of another program hides them for a moment: tries, and the wait between. */
const TRIES = 5;
const AGAIN_MS = 500;

export interface ChangeByIdsOptions {
  readonly dryRun: boolean;
  readonly rate: number | undefined;
  /** Is called with the number of letters that were changed, or would be. */
  readonly onCount: (queue: string, count: number) => void;
}

/**
 * Changes the letters that were named, and reports their number.
 *
 * @throws UsageError if some are not dead letters of the queue; the others were changed
 */
export async function changeByIds(
  opened: OpenedBroker,
  named: NamedLetters,
  what: 'redrive' | 'discard',
  { dryRun, rate, onCount }: ChangeByIdsOptions,
): Promise<void> {
  const { queue, ids } = named;
  const absent = await missingOf(opened, named, dryRun);
  const { count, unseen } = dryRun
    ? { count: ids.length - absent.length, unseen: [] }
    : await runUntilStopped((signal) => change(opened, named, what, new Pace(rate, undefined, signal)));
  const missing = absent.length > 0 ? absent : unseen;
  onCount(queue, count);
  if (count === ids.length) return;
  if (missing.length > 0) throw new UsageError(`no dead letter ${missing.join(', ')} in queue ${queue}`);
  const few = ids.length - count;
  throw new UsageError(
    `${few} of ${ids.length} ids ${few === 1 ? 'is not a dead letter' : 'are not dead letters'} of queue ${queue}`,
  );
}

/** Ids without a dead letter. Unless `always`, empty if a look would hide the letters from other programs. */
async function missingOf(
  opened: OpenedBroker,
  { queue, ids }: NamedLetters,
  always: boolean,
): Promise<readonly string[]> {
  if (!always && opened.broker.messages === undefined && opened.inspector.browsing === 'front') return [];
  const found = new Set((await findLetters(opened, queue, ids)).map(({ id }) => id));
  return ids.filter((id) => !found.has(id));
}

interface Changed {
  readonly count: number;
  /** Ids that no letter had. Only filled if the server shows letters from the front only, and every letter was looked at. */
  readonly unseen: readonly string[];
}

async function change(
  { inspector }: OpenedBroker,
  { queue, ids }: NamedLetters,
  what: 'redrive' | 'discard',
  pace: Pace,
): Promise<Changed> {
  if (inspector.browsing === 'free') {
    const onBatch = (progress: { readonly done: number }) => pace.wait(progress.done);
    return {
      count: await inspector[what](queue, ids, { batch: pace.batch, signal: pace.signal, onBatch }),
      unseen: [],
    };
  }
  const left = new Set(ids);
  let count = 0;
  for (let tried = 0; tried < TRIES && left.size > 0 && !pace.isStopped; tried++) {
    if (tried > 0) await sleep(AGAIN_MS);
    const before = count;
    const wanted = left.size;
    // Ends the look at further letters once all were found.
    const found = new AbortController();
    count += await inspector[what](queue, ({ id }) => left.delete(id), {
      batch: Math.min(pace.batch, wanted),
      signal: AbortSignal.any([pace.signal, found.signal]),
      onBatch: async ({ done }) => {
        if (done >= wanted) found.abort();
        else await pace.wait(before + done);
      },
    });
  }
  return { count, unseen: pace.isStopped ? [] : [...left] };
}
