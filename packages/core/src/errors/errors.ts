import { BrokkrError, type BrokkrErrorOptions } from './brokkr-error.ts';
import { brand } from './is-a.ts';

/** A setting, name, option or definition is invalid. Thrown before anything runs. */
export class ConfigError extends BrokkrError {
  constructor(message: string, options: BrokkrErrorOptions = {}) {
    super(message, { ...options, code: options.code ?? 'CONFIG_INVALID' });
  }
}

/** The broker does not support the requested feature. */
export class UnsupportedFeatureError extends BrokkrError {
  constructor(message: string, options: BrokkrErrorOptions = {}) {
    super(message, { ...options, code: options.code ?? 'FEATURE_UNSUPPORTED' });
  }
}

/**
 * The broker cannot store or deliver messages now. `code` says why: `BROKER_UNAVAILABLE` (unreachable), `BROKER_BLOCKED`,
 * `BROKER_FULL`, `BROKER_UNROUTABLE`, `BROKER_CLOSED`, `BROKER_REFUSED`, `SEND_TIMEOUT`.
 */
export class BrokerUnavailableError extends BrokkrError {
  /**
   * Whether a message may be stored although its sending was rejected with this error. `undefined`: it follows from the
   * code, `false` for `BROKER_CLOSED`, `BROKER_FULL` and `BROKER_UNROUTABLE`, else `true`.
   */
  readonly mayBeStored: boolean | undefined;

  constructor(message: string, options: BrokkrErrorOptions & { readonly mayBeStored?: boolean | undefined } = {}) {
    super(message, { ...options, code: options.code ?? 'BROKER_UNAVAILABLE' });
    this.mayBeStored = options.mayBeStored;
  }
}

/** One problem of an argument: its path, and what is wrong. */
export interface ValidationIssue {
  readonly path: string;
  readonly message: string;
}

/**
 * The arguments do not match the schema of the task. Thrown to the sender; in a worker the message becomes a dead
 * letter.
 */
export class ValidationError extends BrokkrError {
  readonly issues: readonly ValidationIssue[];

  constructor(message: string, options: BrokkrErrorOptions & { readonly issues?: readonly ValidationIssue[] } = {}) {
    super(message, { ...options, code: options.code ?? 'ARGUMENTS_INVALID' });
    this.issues = options.issues ?? [];
  }
}

/**
 * A value that JSON cannot carry without a change. `path` is its place in the payload, for example `args[0].items[2]`.
 */
export class SerializationError extends BrokkrError {
  readonly path: string;

  constructor(message: string, options: BrokkrErrorOptions & { readonly path: string }) {
    super(message, { ...options, code: options.code ?? 'PAYLOAD_UNSERIALIZABLE' });
    this.path = options.path;
  }
}

/** A payload is larger than `TASK_MAX_PAYLOAD`. Sizes are in bytes. */
export class PayloadTooLargeError extends BrokkrError {
  readonly size: number;
  readonly limit: number;

  constructor(message: string, options: BrokkrErrorOptions & { readonly size: number; readonly limit: number }) {
    super(message, { ...options, code: options.code ?? 'PAYLOAD_TOO_LARGE' });
    this.size = options.size;
    this.limit = options.limit;
  }
}

/**
 * Thrown by a handler to make the message a dead letter without further retries. Applications may subclass it.
 * @example
 * if (order === undefined) throw new PermanentError(`no order ${id}`);
 */
export class PermanentError extends BrokkrError {
  constructor(message: string, options: BrokkrErrorOptions = {}) {
    super(message, { ...options, code: options.code ?? 'TASK_PERMANENT' });
  }
}

/** The attempt took longer than the task's `timeout`. It is the reason of the aborted `signal`. */
export class TaskTimeoutError extends BrokkrError {
  readonly timeoutMs: number;

  constructor(message: string, options: BrokkrErrorOptions & { readonly timeoutMs: number }) {
    super(message, { ...options, code: options.code ?? 'TASK_TIMEOUT' });
    this.timeoutMs = options.timeoutMs;
  }
}

/**
 * The worker lost the lease of this message: another worker may run it now, and the outcome of this run has no effect.
 */
export class LeaseLostError extends BrokkrError {
  constructor(message: string, options: BrokkrErrorOptions = {}) {
    super(message, { ...options, code: options.code ?? 'LEASE_LOST' });
  }
}

/**
 * Somebody cancelled the task: the reason with which the signal of a running handler aborts, the error of the event
 * `cancelled`, and of `handle.result()`. A cancelled run counts no attempt and is not retried.
 */
export class TaskCancelledError extends BrokkrError {
  constructor(message: string, options: BrokkrErrorOptions = {}) {
    super(message, { ...options, code: options.code ?? 'TASK_CANCELLED' });
  }
}

/** The worker is stopping; its message goes back to the queue unless the handler ends now. */
export class ShutdownError extends BrokkrError {
  constructor(message: string, options: BrokkrErrorOptions = {}) {
    super(message, { ...options, code: options.code ?? 'WORKER_SHUTDOWN' });
  }
}

/**
 * A message became a dead letter or expired: the error of `handle.result()`, with the recorded error as `cause`, and of the
 * event `dead` if no handler ran. With the code `TASK_UNCAUGHT`, an attempt whose handler left an error that nothing
 * caught, such as a rejected promise without `await`.
 */
export class TaskFailedError extends BrokkrError {
  constructor(message: string, options: BrokkrErrorOptions = {}) {
    super(message, { ...options, code: options.code ?? 'TASK_FAILED' });
  }
}

/** `handle.result()` timed out. The task itself may still run. */
export class ResultTimeoutError extends BrokkrError {
  constructor(message: string, options: BrokkrErrorOptions = {}) {
    super(message, { ...options, code: options.code ?? 'RESULT_TIMEOUT' });
  }
}

// A library that throws these may have its own copy of this package.
brand(ValidationError, 'ValidationError');
brand(PermanentError, 'PermanentError');
