const BRAND = Symbol.for('brokkr.error');

export interface BrokkrErrorOptions {
  readonly code?: string | undefined;
  readonly cause?: unknown;
}

/**
 * Base class of all errors that Brokkr throws. `code` is stable, for programs; `message` names the value at fault and
 * the next step; `cause` is the underlying error, if there is one.
 * @example
 * if (BrokkrError.is(error) && error.code === 'PAYLOAD_TOO_LARGE') return storeElsewhere();
 */
export class BrokkrError extends Error {
  readonly code: string;

  constructor(message: string, options: BrokkrErrorOptions & { readonly code: string }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
  }

  /** Returns whether a value is a Brokkr error, also one of a second copy of this package. */
  static is(error: unknown): error is BrokkrError {
    try {
      return typeof error === 'object' && error !== null && BRAND in error;
    } catch {
      // `in` throws for a revoked proxy.
      return false;
    }
  }
}

Object.defineProperty(BrokkrError.prototype, BRAND, { value: true });
