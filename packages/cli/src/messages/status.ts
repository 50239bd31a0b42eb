import type { DeadLetterRecord, TaskStatus } from '@brokkr/core';
import type { RunningTask, WorkerReport } from '@brokkr/core/adapter';
import { type OpenedBroker, withBroker } from '../app/open-broker.ts';
import { suspectLine } from '../commands/suspect-line.ts';
import { print, printable, printJson } from '../output.ts';
import { linesOf, recordOf } from './known-message.ts';
import { unknownMessage } from './unknown-message.ts';
import { type LocatedMessage, locateMessage, type MessageOptions } from './locate-message.ts';

export interface StatusOptions extends MessageOptions {
  readonly json: boolean;
}

/** Prints what is known of a message. @throws UsageError if neither a queue nor the result store knows it */
export async function statusCommand(id: string, options: StatusOptions): Promise<void> {
  await withBroker(options.broker, 'brokkr status', async (opened) => {
    const message = await locateMessage(opened, id, options);
    const [queue = ''] = message.queues;
    const status = await message.handle(queue).status();
    const known = { id, status, message, taskHeader: opened.adapter.TASK_HEADER, letter: letterOf(message, opened) };
    const reports = await reportsFor(status, opened);
    const held = reports.find(({ suspect }) => suspect?.id === id);
    const suspect = held?.suspect && { ...held.suspect, worker: held.id };
    const run = status.state === 'unknown' ? reportedRun(id, reports) : undefined;
    if (options.json) {
      const record = run === undefined ? recordOf(known) : { id, state: 'running', ...run };
      printJson({ ...record, ...(suspect !== undefined && { suspect }) });
    } else if (run !== undefined || status.state !== 'unknown') {
      const lines = run === undefined ? linesOf(known) : [runLine(run)];
      if (suspect !== undefined) lines.push(suspectLine(suspect.worker, suspect, Date.now()));
      print(printable(lines.join('\n')));
    }
    if (status.state === 'unknown' && run === undefined) {
      throw await unknownMessage(opened, 'brokkr status', id, options, message);
    }
  });
}

function letterOf({ found }: LocatedMessage, { core }: OpenedBroker): DeadLetterRecord | undefined {
  return found?.state === 'dead' ? core.readDeadLetter(found.envelope) : undefined;
}

/**
 * The reports of workers, if they may say more of a message: that it runs, if the server finds no message by its id; or that
 * it crashed workers, and others wait for it.
 */
async function reportsFor({ state }: TaskStatus, { broker }: OpenedBroker): Promise<readonly WorkerReport[]> {
  const isLost = state === 'unknown' && broker.messages === undefined;
  const mayBeSuspect = state === 'ready' || state === 'running';
  if (broker.workers === undefined || !(isLost || mayBeSuspect)) return [];
  try {
    return (await broker.workers.reports()).map(({ report }) => report);
  } catch (error) {
    // The state is known also without the reports, for example to a user without rights to them.
    if (mayBeSuspect) return [];
    throw error;
  }
}

type ReportedRun = Pick<RunningTask, 'attempt' | 'queue' | 'task'> & { readonly worker: string };

function reportedRun(id: string, reports: readonly WorkerReport[]): ReportedRun | undefined {
  for (const { id: worker, running } of reports) {
    const run = running.find((task) => task.id === id);
    if (run !== undefined) return { attempt: run.attempt, queue: run.queue, task: run.task, worker };
  }
  return undefined;
}

function runLine({ task, queue, attempt, worker }: ReportedRun): string {
  return `running  ${task} in ${queue}  attempt ${attempt}  worker ${worker}`;
}
