import type { Message } from '../message/message.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';
import type { TaskDefinition } from '../task/task-definition.ts';
import type { TaskRun } from '../task/task-run.ts';

/** A task as a worker runs it: its options settled, its middleware composed. */
export interface RunnableTask {
  readonly definition: TaskDefinition;
  readonly maxRetries: number;
  readonly timeoutMs: number;
  readonly policy: RetryPolicy;
  /** Where the policy itself fails: one that cannot. */
  readonly fallbackPolicy: RetryPolicy;
  /** Validation, the application's middleware and the handler. */
  readonly run: (run: TaskRun, message: Message) => unknown;
}
