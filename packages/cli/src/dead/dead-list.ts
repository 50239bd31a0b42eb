import { type OpenedBroker, withBroker } from '../app/open-broker.ts';
import { print, printJson } from '../output.ts';
import { runUntilStopped } from '../processes/run-until-stopped.ts';
import { Progress } from '../terminal/progress.ts';
import { checkTask } from './check-task.ts';
import { letterQueues } from './letter-queues.ts';
import { type ListedLetter, letterTable } from './letter-table.ts';
import { LetterChooser, type LetterOptions } from './letter-choice.ts';

export interface DeadListOptions extends LetterOptions {
  readonly app?: string;
  readonly broker?: string;
  readonly json: boolean;
}

const LISTED = 50;

/** Lists dead letters of one queue or of all, the oldest of each queue first. */
export async function deadListCommand(queue: string | undefined, options: DeadListOptions): Promise<void> {
  const { app, broker: url, json, limit = LISTED } = options;
  await withBroker(url, 'brokkr dead list', async (opened) => {
    // One more than is shown, to report that there are more.
    const chooser = new LetterChooser(opened.adapter, { ...options, limit: limit + 1 }, Date.now());
    const queues = await letterQueues(opened, queue, app);
    const letters = await runUntilStopped((signal) => chosenLetters(opened, queues, chooser, signal));
    await checkTask(opened, options.task, chooser, app);
    if (json) printJson(letters.slice(0, limit), 2);
    else print(letterTable(letters, limit, queue === undefined));
  });
}

async function chosenLetters(
  { adapter, core, inspector }: OpenedBroker,
  queues: readonly string[],
  chooser: LetterChooser,
  signal: AbortSignal,
): Promise<readonly ListedLetter[]> {
  const progress = new Progress();
  const letters: ListedLetter[] = [];
  let looked = 0;
  for (const queue of queues) {
    if (chooser.isFull || signal.aborted) break;
    for await (const items of adapter.pagesOf(inspector, queue, 'dead')) {
      const chosen = items.filter(({ envelope }) => chooser.chooses(envelope));
      letters.push(...chosen.map(({ envelope }) => ({ queue, ...core.readDeadLetter(envelope) })));
      looked += items.length;
      progress.show(`${looked} dead letters looked at, ${letters.length} found`);
      if (chooser.isFull || signal.aborted) break;
    }
  }
  progress.end();
  return letters;
}
