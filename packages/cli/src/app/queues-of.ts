import type { TaskManager } from '@brokkr/core';

/** The queues of the application's tasks. */
export function queuesOf(manager: Pick<TaskManager, 'config' | 'tasks'>): readonly string[] {
  return [...new Set(manager.tasks().map((task) => task.queueName ?? manager.config.queueName))];
}
