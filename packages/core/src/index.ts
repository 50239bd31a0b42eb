export { TaskManager } from './manager/task-manager.ts';
export type { ManagerOptions } from './manager/manager-options.ts';

export type { Send, Sender, SendOptions, Task, TaskOptions } from './task/task.ts';
export type { Json } from './task/json.ts';
export type { TaskHandle, TaskStatus } from './task/task-handle.ts';
export type { Batch } from './batches/batch.ts';
export type { TaskContext } from './task/task-context.ts';
export type { TaskDefinition } from './task/task-definition.ts';
export { currentTask } from './task/current-task.ts';
export { RateLimitError } from './task/rate-limit-error.ts';
export { step } from './steps/step.ts';
export { RetryLater } from './task/retry-later.ts';

export type { Message } from './message/message.ts';
export { type DeadLetterRecord, readDeadLetter } from './message/dead-letter-record.ts';

export type { RetryFailure, RetryPolicy } from './retry/retry-policy.ts';
export { exponential } from './retry/exponential.ts';
export { linear } from './retry/linear.ts';
export { fixed, none } from './retry/fixed.ts';

export type { HandleContext, Middleware, OutgoingMessage, SendContext } from './middleware/middleware.ts';
export type { Telemetry } from './middleware/telemetry.ts';
export type { StopOptions, StopReport, TaskEvent, Worker, WorkerEvents, WorkerOptions } from './worker/worker.ts';

export type { Broker } from './broker/broker.ts';
export { createBroker, registerBroker } from './config/broker-registry.ts';
export type { QueueControl } from './control/queue-control.ts';
export { openBroker } from './config/lazy-broker.ts';
export { redactUrl } from './config/redact-url.ts';
export type { TaskConfig } from './config/task-config.ts';
export { logger } from './config/default-logger.ts';

export type { Duration } from './clock/duration.ts';

export { BrokkrError } from './errors/brokkr-error.ts';
export {
  BrokerUnavailableError,
  ConfigError,
  LeaseLostError,
  PayloadTooLargeError,
  PermanentError,
  ResultTimeoutError,
  SerializationError,
  ShutdownError,
  TaskCancelledError,
  TaskFailedError,
  TaskTimeoutError,
  UnsupportedFeatureError,
  ValidationError,
  type ValidationIssue,
} from './errors/errors.ts';
export { SendManyError } from './producer/send-many-error.ts';
