import { ConfigError } from '../errors/errors.ts';
import { kindOf } from '../errors/kind-of.ts';
import type { TaskDefinition } from '../task/task-definition.ts';
import type { Batch } from './send-in-chunks.ts';

/** Whether `sendMany` can walk through what it was given. */
export function isIterable(given: unknown): given is Batch {
  return typeof given === 'object' && given !== null && (Symbol.iterator in given || Symbol.asyncIterator in given);
}

/** The error for a batch, or an item of one, that is not a list of arguments. */
export function notABatch({ name }: TaskDefinition, given: unknown): ConfigError {
  return new ConfigError(
    `task ${name}: sendMany needs a list of argument lists, such as [['a'], ['b']], or an iterable of them; got ${kindOf(given)}`,
    { code: 'BATCH_INVALID' },
  );
}
