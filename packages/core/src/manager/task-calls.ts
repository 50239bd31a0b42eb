import type { Logger } from 'pino';
import type { Clock } from '../clock/clock.ts';
import { messageId } from '../message/message-id.ts';
import type { Producer } from '../producer/producer.ts';
import { type SendSettings, sendSettings } from '../producer/send-settings.ts';
import { runAs } from '../task/current-task.ts';
import type { Send, Sender, SendOptions, Task, TaskRef } from '../task/task.ts';
import type { TaskDefinition } from '../task/task-definition.ts';
import { TaskRun } from '../task/task-run.ts';
import { validateArguments } from '../task/validate-arguments.ts';

type Args = readonly unknown[];

/** The members of a manager that a task uses. They are created when the task is first used. */
export interface TaskHost {
  readonly producer: Producer;
  readonly clock: Clock;
  readonly logger: Logger;
  queueOf(definition: TaskDefinition): string;
  maxRetriesOf(definition: TaskDefinition): number;
}

/** Creates the task for an application. Called, it runs here; its `send` sends a message. */
export function makeTask(definition: TaskDefinition, host: () => TaskHost): Task {
  // Async, so that invalid settings, which are found when the manager is first used, reject here as they do in `send`.
  const inline = async (...args: Args): Promise<unknown> => runInline(definition, args, host());
  Object.defineProperties(inline, {
    name: { value: definition.name },
    taskName: { value: definition.name, enumerable: true },
    queueName: { get: () => host().queueOf(definition), enumerable: true },
  });
  const task = inline as unknown as Task;
  Object.assign(task, makeSender(definition, host, {}, task));
  return task;
}

function makeSender(
  definition: TaskDefinition,
  host: () => TaskHost,
  settings: SendSettings,
  task: TaskRef<Args, unknown>,
): Sender<Args, unknown> {
  const send = (...args: Args): Promise<unknown> => {
    // Invalid settings are found when the manager is first used. Callers expect a rejected promise.
    try {
      return host().producer.send(definition, args, settings);
    } catch (error) {
      return Promise.reject(error);
    }
  };
  const further = (options: SendOptions) => makeSender(definition, host, sendSettings(options, settings), task);
  return {
    send: Object.assign(send, { task, with: further }) as Send<Args, unknown>,
    sendMany: async (batch: Iterable<Args> | AsyncIterable<Args>) =>
      host().producer.sendMany(definition, batch, settings),
    with: further,
  };
}

async function runInline(definition: TaskDefinition, args: Args, host: TaskHost): Promise<unknown> {
  const message = {
    id: messageId(),
    task: definition.name,
    queue: host.queueOf(definition),
    args,
    attempt: 1,
    headers: {},
    enqueuedAt: host.clock.now(),
  };
  const run = new TaskRun(message, host.maxRetriesOf(definition), 0, host.logger);
  return runAs(run, async () => definition.handler(...(await validateArguments(definition, args))));
}
