import { ConfigError } from '../errors/errors.ts';
import type { TaskDefinition } from '../task/task-definition.ts';
import type { SendSettings } from './send-settings.ts';

/** Checks the arguments of a message of a batch task. @throws ConfigError (`BATCH_ITEM_INVALID`) if there are several */
export function checkBatchItem(task: string, args: readonly unknown[]): void {
  if (args.length <= 1) return;
  throw new ConfigError(`task ${task}: a message of a batch task has one argument; got ${args.length}`, {
    code: 'BATCH_ITEM_INVALID',
  });
}

/**
 * Checks that a task can honor the options of its sends.
 * @throws ConfigError (`BATCH_SEND_OPTION`, `PRIORITY_WITHOUT_LANES`, `SEND_OPTIONS_CONFLICT`) that names task and option
 */
export function checkTaskSettings(task: TaskDefinition, { timeoutMs, priority, queueName }: SendSettings): void {
  const { name, batch, priorities } = task;
  if (batch !== undefined && timeoutMs !== undefined) {
    throw new ConfigError(
      `task ${name}: timeout cannot be set for one message of a batch; set it for the task, which limits each call of its handler`,
      { code: 'BATCH_SEND_OPTION' },
    );
  }
  if (priority === undefined) return;
  if (!priorities) {
    throw new ConfigError(`task ${name}: priority needs lanes; define the task with the option priorities: true`, {
      code: 'PRIORITY_WITHOUT_LANES',
    });
  }
  // Whether workers of another queue read its lanes is not known here.
  if (priority !== 'normal' && queueName !== undefined && queueName !== task.queueName) {
    throw new ConfigError(
      `task ${name}: priority and queueName cannot be combined, because only the task's own queue is known to have lanes; give one of them`,
      { code: 'SEND_OPTIONS_CONFLICT' },
    );
  }
}
