import { ConfigError } from '../errors/errors.ts';
import type { TaskOptions } from './task.ts';
import type { TaskDefinition } from './task-definition.ts';

/** By the name it was given under. */
const OPTIONS: Readonly<Record<Exclude<keyof TaskDefinition, 'name' | 'handler'>, keyof TaskOptions>> = {
  queueName: 'queueName',
  maxRetries: 'maxRetries',
  retryDelayMs: 'retryDelay',
  maxRetryDelayMs: 'maxRetryDelay',
  retry: 'retry',
  retryOn: 'retryOn',
  giveUpOn: 'giveUpOn',
  maxRetryLater: 'maxRetryLater',
  timeoutMs: 'timeout',
  resultTtlMs: 'result',
  schema: 'schema',
};

/** The tasks of one manager by name. A Map, never an object: names come from the network. */
export class TaskRegistry {
  readonly #tasks = new Map<string, TaskDefinition>();

  /**
   * The same definition again, of a module that was loaded twice perhaps, changes nothing.
   * @throws ConfigError where another handler has the name already, or the same one with other options
   */
  add(definition: TaskDefinition): void {
    const known = this.#tasks.get(definition.name);
    if (known === undefined) {
      this.#tasks.set(definition.name, definition);
      return;
    }
    if (known.handler !== definition.handler) {
      throw new ConfigError(`two tasks named ${definition.name}: give one of them the option \`name\``, {
        code: 'TASK_NAME_TAKEN',
      });
    }
    const difference = differing(known, definition);
    if (difference === undefined) return;
    throw new ConfigError(
      `task ${definition.name} is defined twice, with another ${difference}; define it once, or give one the option \`name\``,
      { code: 'TASK_OPTIONS_DIFFER' },
    );
  }

  get(name: string): TaskDefinition | undefined {
    return this.#tasks.get(name);
  }

  all(): readonly TaskDefinition[] {
    return [...this.#tasks.values()];
  }
}

/** What two definitions of one handler do not agree on. */
function differing(one: TaskDefinition, other: TaskDefinition): string | undefined {
  const fields = Object.keys(OPTIONS) as (keyof typeof OPTIONS)[];
  const field = fields.find((each) => !isSame(optionOf(one, each), optionOf(other, each)));
  return field === undefined ? undefined : `\`${OPTIONS[field]}\``;
}

function optionOf(definition: TaskDefinition, field: keyof typeof OPTIONS): unknown {
  return field === 'schema' ? definition.schema?.each : definition[field];
}

/** Lists element by element; a policy, a predicate or a schema that was made anew may do anything, and is another. */
function isSame(one: unknown, other: unknown): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return Object.is(one, other);
  return one.length === other.length && one.every((element, index) => Object.is(element, other[index]));
}
