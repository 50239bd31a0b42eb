import { type OpenedBroker, withBroker } from '../app/open-broker.ts';
import { EXIT } from '../exit.ts';
import { outputClosed } from '../output.ts';
import { runUntilStopped } from '../processes/run-until-stopped.ts';
import { Progress } from '../terminal/progress.ts';
import { checkTask } from './check-task.ts';
import { letterQueues } from './letter-queues.ts';
import { LetterArray, type LetterOutput, LetterTables } from './letter-output.ts';
import { LetterChooser, type LetterOptions } from './letter-choice.ts';

export interface DeadListOptions extends LetterOptions {
  readonly app?: string;
  readonly broker?: string;
  readonly json: boolean;
}

const LISTED = 50;

/**
 * Lists dead letters of one queue or of all, the oldest of each queue first.
 *
 * @returns the exit code: 1 if a signal ended the list
 */
export async function deadListCommand(queue: string | undefined, options: DeadListOptions): Promise<number> {
  const { app, broker: url, json, limit = LISTED } = options;
  return withBroker(url, 'brokkr dead list', async (opened) => {
    // One more than is shown, to report that there are more.
    const chooser = new LetterChooser(opened.adapter, { ...options, limit: limit + 1 }, Date.now());
    const queues = await letterQueues(opened, queue, app);
    const output = json ? new LetterArray() : new LetterTables(limit, queue === undefined);
    const isWhole = await runUntilStopped((signal) => list(opened, queues, chooser, { output, limit, signal }));
    await checkTask(opened, options.task, chooser, app);
    output.end(chooser.chosen > limit);
    return isWhole ? EXIT.fine : EXIT.failed;
  });
}

interface Listing {
  readonly output: LetterOutput;
  /** Letters that are shown. */
  readonly limit: number;
  /** Ends the list after the page in progress. */
  readonly signal: AbortSignal;
}

/** Shows the letters page by page. @returns whether no signal ended it */
async function list(
  { adapter, core, inspector }: OpenedBroker,
  queues: readonly string[],
  chooser: LetterChooser,
  { output, limit, signal }: Listing,
): Promise<boolean> {
  const progress = new Progress();
  const ended = AbortSignal.any([signal, outputClosed]);
  let looked = 0;
  for (const queue of queues) {
    if (chooser.isFull || ended.aborted) break;
    for await (const items of adapter.pagesOf(inspector, queue, 'dead')) {
      const left = limit - chooser.chosen;
      const chosen = items.filter(({ envelope }) => chooser.chooses(envelope)).slice(0, left);
      // Otherwise the first row would follow the progress in the same line.
      if (chosen.length > 0) progress.end();
      output.add(chosen.map(({ envelope }) => ({ queue, ...core.readDeadLetter(envelope) })));
      looked += items.length;
      progress.show(`${looked} dead letters looked at, ${chooser.chosen} found`);
      if (chooser.isFull || ended.aborted) break;
    }
  }
  progress.end();
  return !signal.aborted;
}
