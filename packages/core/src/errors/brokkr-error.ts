const BRAND = Symbol.for('brokkr.error');

export interface BrokkrErrorOptions {
  readonly code?: string | undefined;
  readonly cause?: unknown;
}

/**
 * Base of every error Brokkr throws: a stable `code` to branch on, a `message` that names the thing at fault and
 * what to do, and the `cause` where there is one.
 */
export class BrokkrError extends Error {
  readonly code: string;

  constructor(message: string, options: BrokkrErrorOptions & { readonly code: string }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
  }

  /** True for any Brokkr error, also one from a second copy of this package. */
  static is(error: unknown): error is BrokkrError {
    try {
      return typeof error === 'object' && error !== null && BRAND in error;
    } catch {
      // A revoked proxy cannot even be asked.
      return false;
    }
  }
}

Object.defineProperty(BrokkrError.prototype, BRAND, { value: true });
