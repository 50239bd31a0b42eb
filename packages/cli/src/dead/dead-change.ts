import { type OpenedBroker, withBroker } from '../app/open-broker.ts';
import { EXIT } from '../exit.ts';
import { print, printable, printJson } from '../output.ts';
import { runUntilStopped } from '../processes/run-until-stopped.ts';
import { Progress } from '../terminal/progress.ts';
import { changeByIds } from './change-by-ids.ts';
import { type Change, changeLetters } from './change-letters.ts';
import { checkTask } from './check-task.ts';
import { checkSelection, LetterChooser, type LetterOptions } from './letter-choice.ts';
import { letterQueues } from './letter-queues.ts';
import { lettersNamed } from './letters-named.ts';
import { Pace } from './pace.ts';

export interface DeadChangeOptions extends LetterOptions {
  readonly app?: string;
  readonly broker?: string;
  readonly all: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
  /** Most letters a second. */
  readonly rate?: number;
}

/** Puts dead letters back into their queues with fresh attempts, and prints their number. @returns the exit code */
export function deadRetryCommand(names: readonly string[], options: DeadChangeOptions): Promise<number> {
  return change('redrive', 'brokkr dead retry', names, options);
}

/** Removes dead letters, and prints their number. @returns the exit code */
export function deadDiscardCommand(names: readonly string[], options: DeadChangeOptions): Promise<number> {
  return change('discard', 'brokkr dead discard', names, options);
}

/** @param names a queue and ids; or a queue; or one id, which is looked for in all queues; or nothing: all queues */
async function change(
  what: Change,
  command: string,
  names: readonly string[],
  options: DeadChangeOptions,
): Promise<number> {
  const { all, broker: url, app, dryRun, rate, task, json } = options;
  return withBroker(url, command, async (opened) => {
    const chooser = new LetterChooser(opened.adapter, options, Date.now());
    if (all || chooser.hasCondition || names.length === 0) {
      checkSelection(command, names.slice(1), all, chooser.hasCondition);
      const [queue] = names;
      const queues = await letterQueues(opened, queue, app);
      const run = dryRun ? countLetters : changeLetters;
      return runUntilStopped(async (signal) => {
        const pace = new Pace(rate, options.limit, signal);
        const step = (name: string) => run(opened, name, what, chooser, pace);
        const counts = await forEach(queues, queue === undefined && !json, chooser, pace, step);
        await checkTask(opened, task, chooser, app);
        report(counts, options);
        return signal.aborted ? EXIT.failed : EXIT.fine;
      });
    }
    const counts = new Map<string, number>();
    const onCount = (queue: string, count: number) => (json ? counts.set(queue, count) : print(count));
    try {
      for (const named of await lettersNamed(opened, command, names, app))
        await changeByIds(opened, named, what, { dryRun, rate, onCount });
    } finally {
      // Some ids may be no dead letters: the others were changed.
      if (counts.size > 0) report(counts, options);
    }
    return EXIT.fine;
  });
}

/** Prints the sum; as JSON, also the number of each queue that has some. */
function report(counts: ReadonlyMap<string, number>, { json, dryRun }: DeadChangeOptions): void {
  const count = [...counts.values()].reduce((sum, number) => sum + number, 0);
  if (json) printJson({ count, dryRun, queues: Object.fromEntries(counts) });
  else print(count);
}

/** Runs a step for each queue, and prints its number if there are several. @returns the numbers by queue */
async function forEach(
  queues: readonly string[],
  printsEach: boolean,
  chooser: LetterChooser,
  pace: Pace,
  step: (queue: string) => Promise<number>,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const queue of queues) {
    if (pace.isStopped || chooser.isFull) break;
    const number = await step(queue);
    if (printsEach && number > 0) print(`${printable(queue)} ${number}`);
    if (number > 0) counts.set(queue, number);
  }
  return counts;
}

/** Counts the letters that would be changed. */
async function countLetters(
  { adapter, inspector }: OpenedBroker,
  queue: string,
  _what: Change,
  chooser: LetterChooser,
  { isStopped }: Pace,
): Promise<number> {
  const progress = new Progress();
  const before = chooser.chosen;
  let looked = 0;
  for await (const items of adapter.pagesOf(inspector, queue, 'dead')) {
    for (const { envelope } of items) chooser.chooses(envelope);
    looked += items.length;
    progress.show(`${queue}: ${looked} dead letters looked at, ${chooser.chosen - before} found`);
    if (chooser.isFull || isStopped) break;
  }
  progress.end();
  return chooser.chosen - before;
}
