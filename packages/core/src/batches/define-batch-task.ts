import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { BatchOptions } from '../task/batch-settings.ts';
import type { Task, TaskOptions } from '../task/task.ts';
import type { Batch } from './batch.ts';

type Ended = void | PromiseLike<void>;
type InferInput<S extends StandardSchemaV1> = StandardSchemaV1.InferInput<S>;
type InferOutput<S extends StandardSchemaV1> = StandardSchemaV1.InferOutput<S>;

/** Options of a batch task: those of any task, and how its messages gather. */
export interface BatchTaskOptions<T = unknown> extends Omit<TaskOptions, 'schema'> {
  readonly batch: BatchOptions<T>;
}

/**
 * Defines a batch task: each message has one argument, and the handler gets those of many messages at once. See `Batch`
 * for their outcomes. A call as a function runs a batch of one here.
 * @throws ConfigError for an invalid name, option or handler
 * @example
 * const index = tm.batchTask({ name: 'index', batch: { size: 100, timeout: '2s' } }, async (docs: Doc[], batch) => {
 *   for (const { at, error } of await bulk(docs)) batch.fail(at, error);
 * });
 */
export interface DefineBatchTask {
  <S extends StandardSchemaV1, R = unknown>(
    options: BatchTaskOptions<InferInput<S>> & { readonly schema: S | readonly [S] },
    handler: (items: InferOutput<S>[], batch: Batch<R>) => Ended,
  ): Task<[item: InferInput<S>], R | undefined>;
  <T, R = unknown>(
    options: BatchTaskOptions<T> & { readonly schema?: undefined },
    handler: (items: T[], batch: Batch<R>) => Ended,
  ): Task<[item: T], R | undefined>;
}
