import { type OpenedBroker, withBroker } from '../app/open-broker.ts';
import { print, printable, printJson } from '../output.ts';
import { runUntilStopped } from '../processes/run-until-stopped.ts';
import { Progress } from '../terminal/progress.ts';
import { checkTask } from './check-task.ts';
import { LetterChooser, type LetterOptions } from './letter-choice.ts';
import { groupTable, LetterGroups } from './letter-groups.ts';
import { letterQueues } from './letter-queues.ts';

export interface DeadSummaryOptions extends LetterOptions {
  readonly app?: string;
  readonly broker?: string;
  readonly json: boolean;
}

/** Letters that are looked at. If a look takes letters from their queue, each page takes those of all pages before. */
const LOOKED = { free: 10_000, front: 1_000 };

/** Counts dead letters of one queue or of all by their task and error. It looks at `limit` letters at most. */
export async function deadSummaryCommand(queue: string | undefined, options: DeadSummaryOptions): Promise<void> {
  const { app, broker: url, json } = options;
  await withBroker(url, 'brokkr dead summary', async (opened) => {
    const chooser = new LetterChooser(opened.adapter, { ...options, limit: undefined }, Date.now());
    const limit = options.limit ?? LOOKED[opened.inspector.browsing];
    const queues = await letterQueues(opened, queue, app);
    const { groups, looked, isAll } = await runUntilStopped((signal) => group(opened, queues, chooser, limit, signal));
    await checkTask(opened, options.task, chooser, app);
    if (json) printJson({ looked, complete: isAll, groups: groups.all }, 2);
    else print(printable(groupTable(groups.all, looked, isAll)));
  });
}

/** Reads a page of each queue in turn, so that a queue with many letters leaves room for the others. */
async function group(
  opened: OpenedBroker,
  queues: readonly string[],
  chooser: LetterChooser,
  limit: number,
  signal: AbortSignal,
) {
  const { adapter, inspector } = opened;
  const groups = new LetterGroups(opened);
  const progress = new Progress();
  const left: { queue: string; after?: string | undefined }[] = queues.map((queue) => ({ queue }));
  let looked = 0;
  while (looked < limit && !signal.aborted) {
    const turn = left.shift();
    if (turn === undefined) break;
    const { queue, after } = turn;
    const { items, next } = await inspector.page(queue, 'dead', {
      limit: Math.min(adapter.PAGE_LIMIT, limit - looked),
      after,
    });
    for (const { envelope } of items) if (chooser.chooses(envelope)) groups.add(queue, envelope);
    looked += items.length;
    progress.show(`${looked} dead letters looked at`);
    if (next !== undefined) left.push({ queue, after: next });
  }
  progress.end();
  return { groups, looked, isAll: left.length === 0 };
}
