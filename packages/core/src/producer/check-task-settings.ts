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

/** Checks that a task can honor options of its sends. @throws ConfigError (`BATCH_SEND_OPTION`) that names task and option */
export function checkTaskSettings({ name, batch }: TaskDefinition, { timeoutMs }: SendSettings): void {
  if (batch === undefined || timeoutMs === undefined) return;
  throw new ConfigError(
    `task ${name}: timeout cannot be set for one message of a batch; set it for the task, which limits each call of its handler`,
    { code: 'BATCH_SEND_OPTION' },
  );
}
