import type { OpenedBroker } from '../app/open-broker.ts';
import { queueNames } from '../app/queue-names.ts';
import { UsageError } from '../exit.ts';
import type { LocatedMessage, MessageOptions } from './locate-message.ts';

/** The error about a message of which nothing is known. If it is in a queue that was not meant, it names that queue. */
export async function unknownMessage(
  opened: OpenedBroker,
  command: string,
  id: string,
  options: MessageOptions,
  { queues }: Pick<LocatedMessage, 'queues'>,
): Promise<UsageError> {
  const { messages } = opened.broker;
  const isNamed = options.queue !== undefined || options.task !== undefined;
  const named =
    options.queue === undefined ? `the queue of task ${options.task} (${queues[0]})` : `queue ${options.queue}`;
  if (messages === undefined) {
    const where = isNamed ? ` in ${named}` : '';
    const advice = isNamed ? `; if its task uses another queue, name that one, or leave out ${option(options)}` : '';
    return new UsageError(
      `nothing is known of message ${id}${where}: this broker cannot find messages by their ids, no worker reports that it runs, and the result store (TASK_RESULT_URL) has no result of it${advice}`,
    );
  }
  const nowhere = 'the result store does not know it: it has ended, or never was';
  if (!isNamed) return new UsageError(`message ${id} is in no queue, and ${nowhere}`);
  const others = (await queueNames(opened, options.app)).filter((queue) => !queues.includes(queue));
  const found = await Promise.all(others.map((queue) => messages.find(queue, [id])));
  const at = found.findIndex((matches) => matches.length > 0);
  if (at < 0) return new UsageError(`message ${id} is not in ${named}, nor in any other queue, and ${nowhere}`);
  const [match] = found[at] ?? [];
  const task = match?.envelope.headers[opened.adapter.TASK_HEADER];
  const of = task === undefined ? '' : `, a message of task ${task}`;
  return new UsageError(
    `message ${id} is not in ${named}: it is in queue ${others[at]}${of}; ${command} ${id} --queue ${others[at]}`,
  );
}

function option({ queue }: MessageOptions): string {
  return queue === undefined ? '--task' : '--queue';
}
