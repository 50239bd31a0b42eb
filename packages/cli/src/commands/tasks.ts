import Table from 'cli-table3';
import { loadApp } from '../app/load-app.ts';
import { print, printable, printJson } from '../output.ts';

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
  const table = new Table({ head: ['task', 'queue', 'retries', 'timeout', 'result'], style: { head: [], border: [] } });
  for (const { name, queue, maxRetries, timeoutMs, keepsResult } of tasks) {
    table.push([printable(name), printable(queue), maxRetries, `${timeoutMs / 1_000} s`, keepsResult ? 'kept' : '']);
  }
  print(table.toString());
}
