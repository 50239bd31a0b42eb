import type { Logger } from 'pino';
import { BatchCall } from '../batches/batch-call.ts';
import { MemberRun } from '../batches/member-run.ts';
import { checkQueueName } from '../broker/names.ts';
import type { Clock } from '../clock/clock.ts';
import { checkOptions } from '../errors/check-options.ts';
import { ConfigError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';
import type { Message } from '../message/message.ts';
import { messageId } from '../message/message-id.ts';
import { checkTaskSettings } from '../producer/check-task-settings.ts';
import type { Producer } from '../producer/producer.ts';
import { type SendSettings, sendSettings } from '../producer/send-settings.ts';
import { StepLedger } from '../steps/step-ledger.ts';
import type { OpenSteps } from '../task/run-steps.ts';
import { runAs } from '../task/current-task.ts';
import type { TaskHandle } from '../task/task-handle.ts';
import type { Send, Sender, SendOptions, Task, TaskRef } from '../task/task.ts';
import type { TaskDefinition } from '../task/task-definition.ts';
import { TaskRun } from '../task/task-run.ts';
import { validateArguments } from '../task/validate-arguments.ts';

type Args = readonly unknown[];

/** What a task needs of its manager when it is used. Nothing of it exists before. */
export interface TaskHost {
  readonly producer: Producer;
  readonly clock: Clock;
  readonly logger: Logger;
  queueOf(definition: TaskDefinition): string;
  maxRetriesOf(definition: TaskDefinition): number;
}

/** The task that applications use: a call runs it here, and `send` sends a message. */
export function makeTask(definition: TaskDefinition, host: () => TaskHost): Task {
  // Async: invalid settings, which are found at the first use of the manager, reject as they do for `send`.
  const inline = async (...args: Args): Promise<unknown> => runInline(definition, args, host());
  Object.defineProperties(inline, {
    name: { value: definition.name },
    taskName: { value: definition.name, enumerable: true },
    queueName: { get: () => host().queueOf(definition), enumerable: true },
  });
  const task = inline as unknown as Task;
  const handle = (id: string, options: { readonly queue?: string } = {}) => handleOf(definition, id, options, host());
  Object.assign(task, makeSender(definition, host, {}, task), { handle });
  return task;
}

/** Longest id of a message; ours have 22 characters. */
const LONGEST_ID = 200;

function handleOf(
  definition: TaskDefinition,
  id: unknown,
  options: { readonly queue?: string },
  host: TaskHost,
): TaskHandle {
  checkOptions(options, { queue: true }, 'handle');
  if (options.queue !== undefined) checkQueueName(options.queue);
  if (typeof id === 'string' && id.length > 0 && id.length <= LONGEST_ID)
    return host.producer.handle(definition, id, options.queue);
  throw new ConfigError(
    `task ${definition.name}: the id of a message must be a string of 1 to ${LONGEST_ID} characters; got ${shown(id)}`,
    { code: 'MESSAGE_ID_INVALID' },
  );
}

function makeSender(
  definition: TaskDefinition,
  host: () => TaskHost,
  settings: SendSettings,
  task: TaskRef<Args, unknown>,
): Sender<Args, unknown> {
  const send = (...args: Args): Promise<unknown> => {
    // Invalid settings are found at the first use of the manager. Callers expect a promise that rejects.
    try {
      return host().producer.send(definition, args, settings);
    } catch (error) {
      return Promise.reject(error);
    }
  };
  const further = (options: SendOptions) => {
    const all = sendSettings(definition.name, options, settings);
    checkTaskSettings(definition, all);
    return makeSender(definition, host, all, task);
  };
  return {
    send: Object.assign(send, { task, joinedBy: settings.collapse?.option, with: further }) as Send<Args, unknown>,
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
  // An inline call stores nothing, also no steps.
  const openSteps: OpenSteps = (of) =>
    new StepLedger({ run: of, records: undefined, mayHaveEarlier: false, clock: host.clock });
  if (definition.batch !== undefined) return runInlineBatch(definition, message, openSteps, host);
  const run = new TaskRun(message, host.maxRetriesOf(definition), host.logger, { openSteps });
  return runAs(run, async () => definition.handler(...(await validateArguments(definition, args))));
}

/** Runs a batch of one. */
async function runInlineBatch(
  definition: TaskDefinition,
  message: Message,
  openSteps: OpenSteps,
  host: TaskHost,
): Promise<unknown> {
  const call = new BatchCall(definition.handler, 1, host.logger);
  const run = new MemberRun(call, message, host.maxRetriesOf(definition), host.logger, { openSteps });
  try {
    return await call.join(run, await validateArguments(definition, message.args));
  } finally {
    run.end();
  }
}
