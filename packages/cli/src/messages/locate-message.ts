import type { Task, TaskHandle } from '@brokkr/core';
import type { FoundMessage } from '@brokkr/core/adapter';
import { checkQueues } from '../app/check-queues.ts';
import { knownApp } from '../app/known-app.ts';
import type { OpenedBroker } from '../app/open-broker.ts';
import { queueNames } from '../app/queue-names.ts';
import { taskNamed } from '../app/task-named.ts';
import { withLanes } from '../app/with-lanes.ts';
import { UsageError } from '../exit.ts';

export interface MessageOptions {
  readonly app?: string;
  readonly broker?: string;
  readonly queue?: string;
  readonly task?: string;
}

/** A message that a command is about. */
export interface LocatedMessage {
  /** Queues that it may be in: the one in which it was found, if it was. */
  readonly queues: readonly string[];
  readonly found: FoundMessage | undefined;
  /** Its handle, if it is in `queue`. */
  readonly handle: (queue: string) => TaskHandle;
}

/**
 * Finds a message by its id, in the queue that is named, in that of the named task, or in all queues.
 *
 * @throws UsageError if the id cannot be one, if the queue or the task is unknown, or if no queue is known
 */
export async function locateMessage(
  opened: OpenedBroker,
  id: string,
  options: MessageOptions,
): Promise<LocatedMessage> {
  checkId(id);
  const queues = await queuesOf(opened, options);
  const task = messageTask(opened, options.task ?? 'message');
  const handle = (queue: string) => task.handle(id, { queue });
  const { messages } = opened.broker;
  if (messages === undefined) return { queues, found: undefined, handle };
  const found = await Promise.all(queues.map((queue) => messages.find(queue, [id])));
  const at = found.findIndex((matches) => matches.length > 0);
  return { queues: at < 0 ? queues : queues.slice(at, at + 1), found: found[at]?.[0], handle };
}

/** Longest id that a handle takes. */
const LONGEST_ID = 200;

/** Before a handle is made: its error would name a task that the user does not know. */
function checkId(id: string): void {
  if (id.length > 0 && id.length <= LONGEST_ID) return;
  throw new UsageError(`<id>: the id of a message has 1 to ${LONGEST_ID} characters; got ${id.length}`);
}

/**
 * A task that is never sent: its handles look at the broker and at the result store, whatever the message's task is. If a
 * message is cancelled, this is how long the store keeps that end.
 */
function messageTask({ manager }: OpenedBroker, name: string): Task {
  return manager.task({ name, result: '1h' }, async () => undefined) as unknown as Task;
}

async function queuesOf(opened: OpenedBroker, { app, queue, task }: MessageOptions): Promise<readonly string[]> {
  if (queue !== undefined) {
    await checkQueues(opened, [queue], app);
    return withLanes(opened, [queue]);
  }
  if (task !== undefined) {
    const manager = await knownApp(app);
    if (manager !== undefined) return withLanes(opened, [(await taskNamed(manager, task)).queueName]);
    throw new UsageError('--task needs an application that defines the task; give --app, or --queue instead');
  }
  const queues = await queueNames(opened, app);
  if (queues.length > 0) return queues;
  throw new UsageError(
    'no queue is known in which the message may be; name it with --queue, or the application with --app',
  );
}
