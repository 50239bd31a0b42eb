import type { Task, TaskManager } from '@brokkr/core';
import { UsageError } from '../exit.ts';
import { unknownName } from './unknown-name.ts';

/** The application's task of that name. @throws UsageError with the name that is most like it */
export async function taskNamed(manager: TaskManager, name: string): Promise<Task> {
  const task = manager.get(name);
  if (task !== undefined) return task;
  const adapter = await import('@brokkr/core/adapter');
  const known = manager.tasks().map((each) => each.name);
  throw new UsageError(unknownName(adapter, 'task', name, known));
}
