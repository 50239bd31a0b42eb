/** A request that is refused: its status, and the code and message of the answer. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;
  /** More fields of the answer's `error`. */
  readonly details: Readonly<Record<string, number>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    more: {
      readonly details?: Readonly<Record<string, number>>;
      readonly headers?: Readonly<Record<string, string>>;
      /** For the log. The client does not get it. */
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.status = status;
    this.code = code;
    this.details = more.details ?? {};
    this.headers = more.headers ?? {};
  }
}

/** A wrong parameter or body. */
export function badRequest(message: string): ApiError {
  return new ApiError(400, 'REQUEST_INVALID', message);
}
