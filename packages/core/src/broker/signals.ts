/** A small broadcast. */
export interface Signal {
  /** 1 to 60 characters of `A-Z a-z 0-9 . _ -`. */
  readonly topic: string;
  /** Text, at most 4 KiB. */
  readonly body: string;
}

/**
 * The part of a broker that broadcasts to every process of a namespace: pause, cancel, progress. A signal reaches each
 * listener at most once and is not kept: processes that are disconnected miss it, so nothing may depend on signals alone.
 */
export interface Signals {
  /**
   * Set if no listener ever misses a signal, because the broker lives in the process. Workers then need not look for
   * changes from time to time. @default false
   */
  readonly lossless?: boolean | undefined;

  /**
   * Sends to all listeners, those of this process included.
   * @throws BrokerUnavailableError if the broker is unreachable for longer than `sendTimeoutMs`
   */
  send(signal: Signal): Promise<void>;

  /**
   * Calls `listener` for every signal, until the returned function is called. Resolves once signals sent later are heard.
   * It listens again by itself after the connection broke; `onGap` is called then, because signals may have been missed.
   */
  listen(listener: (signal: Signal) => void, onGap?: () => void): Promise<() => Promise<void>>;
}
