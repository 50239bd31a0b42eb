import { ConfigError } from '../errors/errors.ts';
import { LimitRegistry } from '../limits/limit-registry.ts';
import { checkFixedLimits } from '../limits/task-limits.ts';
import type { TaskOptions } from './task.ts';
import type { TaskDefinition } from './task-definition.ts';

/** The field of each option that two definitions of one task must share. */
const OPTIONS: Readonly<Record<Exclude<keyof TaskDefinition, 'name' | 'handler'>, keyof TaskOptions | 'batch'>> = {
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
  limits: 'limits',
  versions: 'version',
  priorities: 'priorities',
  batch: 'batch',
};

/** The tasks and limits of one manager by name. A Map, because names come from the network: an object would know `__proto__`. */
export class TaskRegistry {
  readonly limits = new LimitRegistry();
  readonly #tasks = new Map<string, TaskDefinition>();

  /**
   * Adds a definition. The same definition again has no effect: a module may be loaded twice.
   * @throws ConfigError (`LIMITS_INVALID`) for a limit of another manager, or one that is named twice
   * @throws ConfigError (`TASK_NAME_TAKEN`) if another handler has the name
   * @throws ConfigError (`TASK_OPTIONS_DIFFER`) if the same handler has the name, with other options
   */
  add(definition: TaskDefinition): void {
    if (Array.isArray(definition.limits))
      checkFixedLimits(definition.limits, `task ${definition.name}: limits`, this.limits);
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
    const difference = differingOption(known, definition);
    if (difference === undefined) return;
    throw new ConfigError(
      `task ${definition.name} is defined twice, with a different \`${difference}\`; define it once, or give one the option \`name\``,
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

/** The first option in which two definitions of one handler differ. */
function differingOption(one: TaskDefinition, other: TaskDefinition): string | undefined {
  const fields = Object.keys(OPTIONS) as (keyof typeof OPTIONS)[];
  const field = fields.find((each) => !isSame(optionOf(one, each), optionOf(other, each)));
  if (field === 'versions' && one.versions?.current === other.versions?.current) return 'upcast';
  return field === undefined ? undefined : OPTIONS[field];
}

function optionOf(definition: TaskDefinition, field: keyof typeof OPTIONS): unknown {
  const { schema, versions, batch } = definition;
  if (field === 'batch') return batch && [batch.size, batch.timeoutMs, batch.by];
  if (field === 'schema') return schema?.each;
  return field === 'versions' ? versions && [versions.current, ...versions.steps] : definition[field];
}

/** Compares lists by their elements. Functions and schemas are equal only if they are the same object. */
function isSame(one: unknown, other: unknown): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return Object.is(one, other);
  return one.length === other.length && one.every((element, index) => Object.is(element, other[index]));
}
