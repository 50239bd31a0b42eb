import type { Message } from '../message/message.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';
import type { TaskDefinition } from '../task/task-definition.ts';
import type { TaskRun } from '../task/task-run.ts';

/**
 * A task as a worker runs it: with all options resolved and its middleware composed. Made by `workerTask`
 * (manager/worker-tasks.ts).
 */
export interface RunnableTask {
  readonly definition: TaskDefinition;
  readonly maxRetries: number;
  readonly timeoutMs: number;
  readonly policy: RetryPolicy;
  /** Used if `policy` fails. It never fails itself. */
  readonly fallbackPolicy: RetryPolicy;
  /** Set for a batch task that has neither schema nor middleware: `invoke` is not called. */
  readonly joinsDirectly?: boolean;
  /** Validates the arguments, and runs the middleware and the handler. */
  readonly invoke: (run: TaskRun, message: Message) => unknown;
}
