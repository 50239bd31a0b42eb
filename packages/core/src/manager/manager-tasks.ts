import type { BatchTaskOptions, DefineBatchTask } from '../batches/define-batch-task.ts';
import type { DefineTask } from '../task/define-task.ts';
import type { Task, TaskOptions } from '../task/task.ts';
import { defineBatchTask, defineTask, type TaskDefinition } from '../task/task-definition.ts';
import { TaskRegistry } from '../task/task-registry.ts';
import type { EventEmitter } from '../worker/event-emitter.ts';
import type { WorkerEvents } from '../worker/worker.ts';
import { ManagerEvents } from './manager-events.ts';
import { makeTask, type TaskHost } from './task-calls.ts';

const managers = new WeakMap<object, ManagerTasks>();

/** The manager that defined a task; `undefined` if it is not a task. */
export function managerOf(task: object): ManagerTasks | undefined {
  return managers.get(task);
}

/** The tasks of a manager: how they are defined and found. */
export class ManagerTasks extends ManagerEvents {
  protected readonly registry = new TaskRegistry();
  readonly #tasks = new Map<string, Task>();
  readonly #host: () => TaskHost;

  /** @param host what the tasks need when they are used */
  protected constructor(events: EventEmitter<WorkerEvents>, host: () => TaskHost) {
    super(events);
    this.#host = host;
  }

  /**
   * Defines a task. Any worker of this manager runs its handler.
   * @throws ConfigError that names the task and the invalid option
   * @example
   * const email = tm.task({ name: 'email', maxRetries: 5 }, async (to: string) => deliver(to));
   * await email.send('ada@example.com');
   */
  readonly task: DefineTask = (...given: unknown[]) => this.#define(given) as never;

  /**
   * Defines a task whose handler takes many messages at once: `batch.size`, or those of `batch.timeout`.
   * @throws ConfigError that names the task and the invalid option
   * @example
   * const index = tm.batchTask({ name: 'index', batch: { size: 100, timeout: '2s' } }, async (docs: Doc[]) => bulk(docs));
   */
  readonly batchTask: DefineBatchTask = (options: object, handler: unknown) =>
    this.#add(defineBatchTask(options as BatchTaskOptions, handler)) as never;

  /** The same function as `task`, for code from frameworks in which a producer must not register handlers. */
  readonly conditionalTask: DefineTask = this.task;

  /** Returns the tasks that are defined so far. */
  tasks(): readonly TaskDefinition[] {
    return this.registry.all();
  }

  /** Returns the task with this name, if it is defined. */
  get(name: string): Task | undefined {
    return this.#tasks.get(name);
  }

  #define(given: readonly unknown[]): Task {
    const [options = {}, handler] = given.length > 1 ? given : [{}, given[0]];
    return this.#add(defineTask(options as TaskOptions, handler));
  }

  #add(definition: TaskDefinition): Task {
    this.registry.add(definition);
    const task = makeTask(definition, this.#host);
    this.#tasks.set(definition.name, task);
    managers.set(task, this);
    return task;
  }
}
