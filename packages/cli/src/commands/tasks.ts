import { loadApp } from '../app/load-app.ts';
import { print, printJson } from '../output.ts';
import { table } from '../terminal/table.ts';

export interface TasksOptions {
  readonly app?: string;
  readonly json: boolean;
}

/** Lists the tasks of the application with the settings that apply to each. */
export async function tasksCommand({ app, json }: TasksOptions): Promise<void> {
  const { manager } = await loadApp(app, {});
  const { config } = manager;
  const tasks = manager.tasks().map((task) => ({
    name: task.name,
    queue: task.queueName ?? config.queueName,
    maxRetries: task.maxRetries ?? config.maxRetries,
    timeoutMs: task.timeoutMs ?? config.timeoutMs,
    keepsResult: task.resultTtlMs !== undefined,
  }));
  if (json) {
    printJson(tasks, 2);
    return;
  }
  const rows = tasks.map(({ name, queue, maxRetries, timeoutMs, keepsResult }) => [
    name,
    queue,
    maxRetries,
    `${timeoutMs / 1_000} s`,
    keepsResult ? 'kept' : '',
  ]);
  print(table(['task', 'queue', 'retries', 'timeout', 'result'], rows));
}
