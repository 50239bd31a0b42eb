import type { TaskStatus } from '@brokkr/core';
import { type OpenedBroker, withBroker } from '../app/open-broker.ts';
import { UsageError } from '../exit.ts';
import { print, printable, printJson } from '../output.ts';
import { moment } from '../terminal/spans.ts';
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
    const { TASK_HEADER } = opened.adapter;
    const run = status.state === 'unknown' ? await reportedRun(id, opened) : undefined;
    if (run !== undefined) {
      const { task, queue: runsIn, attempt, worker } = run;
      if (options.json) printJson({ id, state: 'running', attempt, queue: runsIn, task, worker });
      else print(printable(`running  ${task} in ${runsIn}  attempt ${attempt}  worker ${worker}`));
      return;
    }
    if (options.json) printJson(recordOf(id, status, message, TASK_HEADER));
    if (status.state === 'unknown') throw new UsageError(unknownMessage(id, opened.broker.messages !== undefined));
    if (!options.json) print(printable(linesOf(id, status, message, TASK_HEADER).join('\n')));
  });
}

/** The run of a message that a worker reports. A server that finds no message by its id knows at least that. */
async function reportedRun(id: string, { broker }: OpenedBroker) {
  if (broker.messages !== undefined || broker.workers === undefined) return undefined;
  for (const { report } of await broker.workers.reports()) {
    const run = report.running.find((running) => running.id === id);
    if (run !== undefined) return { ...run, worker: report.id };
  }
  return undefined;
}

/** The error about a message of which nothing is known. @param isSearched whether the queues were searched for it */
export function unknownMessage(id: string, isSearched: boolean): string {
  return isSearched
    ? `message ${id} is in no queue, and the result store does not know it: it has ended, or never was`
    : `nothing is known of message ${id}: this broker cannot find messages by their ids, and the result store (TASK_RESULT_URL) has no result of it`;
}

function recordOf(id: string, status: TaskStatus, { found, queues }: LocatedMessage, taskHeader: string): object {
  return {
    id,
    ...status,
    ...(found !== undefined && { queue: queues[0], task: found.envelope.headers[taskHeader] ?? '' }),
    ...(found?.dueAt !== undefined && { dueAt: found.dueAt }),
    ...(found?.workerId !== undefined && { worker: found.workerId }),
  };
}

function linesOf(
  id: string,
  status: TaskStatus,
  { found, queues }: LocatedMessage,
  taskHeader: string,
): readonly string[] {
  const { state, attempt, progress } = status;
  const parts = [state as string];
  if (found !== undefined) parts.push(`${found.envelope.headers[taskHeader] ?? '?'} in ${queues[0]}`);
  if (attempt !== undefined) parts.push(`attempt ${attempt}`);
  if (found?.dueAt !== undefined) parts.push(`due ${moment(found.dueAt)}`);
  if (found?.workerId !== undefined) parts.push(`worker ${found.workerId}`);
  const lines = [parts.join('  ')];
  if (progress !== undefined) lines.push(`progress ${JSON.stringify(progress)}`);
  if (found?.state === 'dead') lines.push(`brokkr dead show ${queues[0]} ${id}`);
  return lines;
}
