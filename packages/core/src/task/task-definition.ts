import type { StandardSchemaV1 } from '@standard-schema/spec';
import { toMs } from '../clock/duration.ts';
import { checkOwnQueueName, checkTaskName, isTaskName } from '../broker/names.ts';
import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import { ConfigError } from '../errors/errors.ts';
import { isClass } from '../errors/is-class.ts';
import { kindOf, shown } from '../errors/kind-of.ts';
import { checkTaskLimits, type TaskLimits } from '../limits/task-limits.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';
import { type PayloadVersions, payloadVersions } from '../versions/payload-versions.ts';
import { type BatchSettings, batchSettings } from './batch-settings.ts';
import type { ErrorMatcher, TaskOptions } from './task.ts';

/** The function of a task. */
export type Handler = (...args: readonly unknown[]) => unknown;

/** How often, or for how long since the first time, `RetryLater` may delay one attempt. */
export type RetryLaterLimit = { readonly times: number } | { readonly ms: number };

/** Options of a task after the check; durations in milliseconds. `undefined` options follow the settings. */
export interface TaskDefinition {
  readonly name: string;
  readonly handler: Handler;
  readonly queueName: string | undefined;
  readonly maxRetries: number | undefined;
  readonly retryDelayMs: number | undefined;
  /** Milliseconds. `undefined`: an hour, or the first wait if that is longer. */
  readonly maxRetryDelayMs: number | undefined;
  readonly retry: RetryPolicy | undefined;
  readonly retryOn: readonly ErrorMatcher[] | undefined;
  readonly giveUpOn: readonly ErrorMatcher[];
  readonly maxRetryLater: RetryLaterLimit | undefined;
  readonly timeoutMs: number | undefined;
  /** Milliseconds. `undefined`: no result is kept. */
  readonly resultTtlMs: number | undefined;
  /** Limits of every message, or a function of its arguments. */
  readonly limits: TaskLimits | undefined;
  /** `single`: there is one schema, for the only argument. */
  readonly schema: { readonly single: boolean; readonly each: readonly StandardSchemaV1[] } | undefined;
  /** `undefined`: the arguments have only one version. */
  readonly versions: PayloadVersions | undefined;
  /** Whether its queue has three lanes. */
  readonly priorities: boolean;
  /** `undefined`: the handler takes one message at a time. */
  readonly batch: BatchSettings | undefined;
}

export const TASK_OPTIONS: OptionNames<TaskOptions> = {
  name: true,
  queueName: true,
  maxRetries: true,
  retryDelay: true,
  maxRetryDelay: true,
  retry: true,
  retryOn: true,
  giveUpOn: true,
  maxRetryLater: true,
  timeout: true,
  result: true,
  schema: true,
  limits: true,
  version: true,
  upcast: true,
  priorities: true,
};

const BATCH_TASK_OPTIONS = { ...TASK_OPTIONS, batch: true } as const;

/** Checks the options of a task. @throws ConfigError with the names of the task and of the invalid option */
export function defineTask(options: TaskOptions, handler: unknown): TaskDefinition {
  return define(options, TASK_OPTIONS, handler);
}

/** Does the same for a batch task. @throws ConfigError (`BATCH_OPTIONS_INVALID`, `SCHEMA_INVALID`) too */
export function defineBatchTask(options: TaskOptions & { readonly batch: unknown }, handler: unknown): TaskDefinition {
  return define(options, BATCH_TASK_OPTIONS, handler);
}

function define(
  options: TaskOptions & { readonly batch?: unknown },
  known: Readonly<Record<string, true>>,
  handler: unknown,
): TaskDefinition {
  if (typeof handler !== 'function') {
    const name: unknown = (options as TaskOptions | null)?.name;
    const which = isTaskName(name) ? `task ${name}` : 'a task';
    throw new ConfigError(`${which}: the handler must be a function; got ${kindOf(handler)}`, {
      code: 'HANDLER_INVALID',
    });
  }
  const name = (options as TaskOptions | null)?.name ?? handler.name;
  // Before the name itself: if `name` is misspelled, the task seems to have none.
  checkOptions(options, known, isTaskName(name) ? `task ${name}` : 'a task');
  if (name === '') {
    throw new ConfigError('a task needs a name: name the function, or give the option name', {
      code: 'TASK_UNNAMED',
    });
  }
  checkTaskName(name);
  if (options.queueName !== undefined) checkOwnQueueName(options.queueName);
  const of = (option: string) => `task ${name}: ${option}`;
  const generator = Object.prototype.toString.call(handler);
  if (generator.includes('Generator')) {
    throw new ConfigError(`${of('handler')} must not be a generator function; make it async and return a value`, {
      code: 'HANDLER_INVALID',
    });
  }
  if (isClass(handler)) {
    throw new ConfigError(
      `${of('handler')} must not be a class; give a function, or see tasksOf in @brokkr/core/inversify`,
      {
        code: 'HANDLER_INVALID',
      },
    );
  }
  const schema = schemas(options.schema, of('schema'));
  const batch = known === TASK_OPTIONS ? undefined : batchSettings(options.batch, of('batch'));
  if (batch !== undefined && schema !== undefined && schema.each.length !== 1) {
    throw new ConfigError(`${of('schema')} of a batch task must be that of one item; got ${schema.each.length}`, {
      code: 'SCHEMA_INVALID',
    });
  }
  return Object.freeze({
    name,
    handler: handler as Handler,
    queueName: options.queueName,
    maxRetries: options.maxRetries === undefined ? undefined : checkMaxRetries(options.maxRetries, of('maxRetries')),
    retryDelayMs: options.retryDelay === undefined ? undefined : toMs(options.retryDelay, of('retryDelay')),
    maxRetryDelayMs: longest(options, of),
    retry: checkPolicy(options.retry, of('retry')),
    retryOn: matchers(options.retryOn, of('retryOn')),
    giveUpOn: matchers(options.giveUpOn, of('giveUpOn')) ?? [],
    maxRetryLater: retryLaterLimit(options.maxRetryLater, of('maxRetryLater')),
    timeoutMs:
      options.timeout === undefined ? undefined : checkTimeout(toMs(options.timeout, of('timeout')), of('timeout')),
    resultTtlMs: resultTtl(options.result, of('result')),
    limits: checkTaskLimits(options.limits, of('limits')),
    schema,
    batch,
    versions: payloadVersions(options, of),
    priorities: checkPriorities(options.priorities, of('priorities')),
  });
}

/** @throws ConfigError if it is shorter than `retryDelay` */
function longest({ retryDelay, maxRetryDelay }: TaskOptions, of: (option: string) => string): number | undefined {
  if (maxRetryDelay === undefined) return undefined;
  const maxMs = toMs(maxRetryDelay, of('maxRetryDelay'));
  if (retryDelay === undefined || toMs(retryDelay, of('retryDelay')) <= maxMs) return maxMs;
  throw new ConfigError(
    `${of('maxRetryDelay')} must not be shorter than retryDelay; give a longer one, or leave it out`,
    {
      code: 'RETRY_POLICY_INVALID',
    },
  );
}

/** @throws ConfigError if it is not a whole number, 0 or more */
export function checkMaxRetries(value: unknown, option: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new ConfigError(`${option} must be a whole number, 0 or more; got ${shown(value)}`, {
    code: 'MAX_RETRIES_INVALID',
  });
}

/** @throws ConfigError for 0: an attempt needs time */
export function checkTimeout(timeoutMs: number, option: string): number {
  if (timeoutMs > 0) return timeoutMs;
  throw new ConfigError(`${option} must be longer than 0; got 0`, { code: 'TIMEOUT_INVALID' });
}

function resultTtl(result: TaskOptions['result'], option: string): number | undefined {
  if (result === undefined || result === false) return undefined;
  const ttlMs = toMs(result, option);
  if (ttlMs > 0) return ttlMs;
  throw new ConfigError(`${option} must be longer than 0, or false to keep none; got ${shown(result)}`, {
    code: 'RESULT_TTL_INVALID',
  });
}

/** @throws ConfigError (`MAX_RETRY_LATER_INVALID`) if it is neither a number of times nor a duration with a unit */
function retryLaterLimit(given: TaskOptions['maxRetryLater'], option: string): RetryLaterLimit | undefined {
  if (given === undefined) return undefined;
  if (typeof given === 'string' && /\D/.test(given)) return { ms: toMs(given, option) };
  if (Number.isSafeInteger(given) && (given as number) >= 0) return { times: given as number };
  throw new ConfigError(
    `${option} must be a number of times, 0 or more, or a duration with a unit such as '1h'; got ${shown(given)}`,
    { code: 'MAX_RETRY_LATER_INVALID' },
  );
}

function checkPolicy(retry: unknown, option: string): RetryPolicy | undefined {
  if (
    retry === undefined ||
    (typeof retry === 'object' && retry !== null && typeof (retry as RetryPolicy).next === 'function')
  ) {
    return retry as RetryPolicy | undefined;
  }
  throw new ConfigError(
    `${option} must be a RetryPolicy with a function next, such as exponential({ delay: '2s' }); got ${kindOf(retry)}`,
    {
      code: 'RETRY_POLICY_INVALID',
    },
  );
}

function matchers(given: TaskOptions['retryOn'], option: string): readonly ErrorMatcher[] | undefined {
  if (given === undefined) return undefined;
  const list = Array.isArray(given) ? (given as readonly ErrorMatcher[]) : [given as ErrorMatcher];
  if (!list.every((matcher) => typeof matcher === 'function'))
    throw new ConfigError(`${option} must be an error class or a predicate, or a list of them; got ${kindOf(given)}`, {
      code: 'ERROR_MATCHER_INVALID',
    });
  if (list.some((matcher) => Object.prototype.toString.call(matcher).includes('Async')))
    throw new ConfigError(`${option}: a predicate must return true or false; an async function returns a promise`, {
      code: 'ERROR_MATCHER_INVALID',
    });
  return list;
}

function schemas(given: TaskOptions['schema'], option: string): TaskDefinition['schema'] {
  if (given === undefined) return undefined;
  const single = !Array.isArray(given);
  const each = (single ? [given] : given) as readonly StandardSchemaV1[];
  if (each.every((schema) => typeof schema?.['~standard']?.validate === 'function')) return { single, each };
  throw new ConfigError(
    `${option} must be a Standard Schema (zod, valibot, arktype …) or a list of them; got ${kindOf(given)}`,
    {
      code: 'SCHEMA_INVALID',
    },
  );
}

function checkPriorities(given: unknown, option: string): boolean {
  if (given === undefined || typeof given === 'boolean') return given ?? false;
  throw new ConfigError(`${option} must be true or false; got ${shown(given)}`, { code: 'PRIORITIES_INVALID' });
}
