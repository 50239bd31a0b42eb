import { ConfigError } from '../errors/errors.ts';
import type { TaskDefinition } from './task-definition.ts';

/** A definition, and whether only workers may run it. */
export interface RegisteredTask {
  readonly definition: TaskDefinition;
  /** True for `conditionalTask`. */
  readonly workerOnly: boolean;
}

/** The tasks of one manager by name. A Map, never an object: names come from the network. */
export class TaskRegistry {
  readonly #tasks = new Map<string, RegisteredTask>();

  /** @throws ConfigError where another handler has the name already */
  add(definition: TaskDefinition, workerOnly: boolean): void {
    const known = this.#tasks.get(definition.name);
    if (known !== undefined && known.definition.handler !== definition.handler) {
      throw new ConfigError(`two tasks named ${definition.name}: give one of them the option \`name\``, {
        code: 'TASK_NAME_TAKEN',
      });
    }
    this.#tasks.set(definition.name, { definition, workerOnly });
  }

  get(name: string): RegisteredTask | undefined {
    return this.#tasks.get(name);
  }

  all(): readonly RegisteredTask[] {
    return [...this.#tasks.values()];
  }
}
