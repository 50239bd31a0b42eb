import { BrokkrError, type BrokkrErrorOptions } from './brokkr-error.ts';
import { brand } from './is-a.ts';

/** A setting, name, option or definition is wrong; found before anything runs. */
export class ConfigError extends BrokkrError {
  constructor(message: string, options: BrokkrErrorOptions = {}) {
    super(message, { ...options, code: options.code ?? 'CONFIG_INVALID' });
  }
}

/** The broker cannot do what was asked, and says so instead of ignoring it. */
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

/** One complaint about an argument: where it is, and what is wrong there. */
export interface ValidationIssue {
  readonly path: string;
  readonly message: string;
}

/** Arguments do not fit the task's schema. Thrown at the caller; in a worker it dead-letters at once. */
export class ValidationError extends BrokkrError {
  readonly issues: readonly ValidationIssue[];

  constructor(message: string, options: BrokkrErrorOptions & { readonly issues?: readonly ValidationIssue[] } = {}) {
    super(message, { ...options, code: options.code ?? 'ARGUMENTS_INVALID' });
    this.issues = options.issues ?? [];
  }
}

/** A value that JSON cannot carry faithfully; `path` says where in the payload, for example `args[0].items[2]`. */
export class SerializationError extends BrokkrError {
  readonly path: string;

  constructor(message: string, options: BrokkrErrorOptions & { readonly path: string }) {
    super(message, { ...options, code: options.code ?? 'PAYLOAD_UNSERIALIZABLE' });
    this.path = options.path;
  }
}

/** A payload larger than `TASK_MAX_PAYLOAD`; sizes in bytes. */
export class PayloadTooLargeError extends BrokkrError {
  readonly size: number;
  readonly limit: number;

  constructor(message: string, options: BrokkrErrorOptions & { readonly size: number; readonly limit: number }) {
    super(message, { ...options, code: options.code ?? 'PAYLOAD_TOO_LARGE' });
    this.size = options.size;
    this.limit = options.limit;
  }
}

/** Thrown by a handler: do not try again, dead-letter this message at once. Made to be subclassed. */
export class PermanentError extends BrokkrError {
  constructor(message: string, options: BrokkrErrorOptions = {}) {
    super(message, { ...options, code: options.code ?? 'TASK_PERMANENT' });
  }
}

/** The attempt took longer than the task's `timeout`; the reason its `signal` was aborted with. */
export class TaskTimeoutError extends BrokkrError {
  readonly timeoutMs: number;

  constructor(message: string, options: BrokkrErrorOptions & { readonly timeoutMs: number }) {
    super(message, { ...options, code: options.code ?? 'TASK_TIMEOUT' });
    this.timeoutMs = options.timeoutMs;
  }
}

/** The worker lost its right to this message: somebody else may run it now, and nothing settled here takes effect. */
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

/** `handle.result()` waited as long as it was told to; the task itself may still come to its end. */
export class ResultTimeoutError extends BrokkrError {
  constructor(message: string, options: BrokkrErrorOptions = {}) {
    super(message, { ...options, code: options.code ?? 'RESULT_TIMEOUT' });
  }
}

// A handler may throw these from a library that has a copy of this package of its own.
brand(ValidationError, 'ValidationError');
brand(PermanentError, 'PermanentError');
