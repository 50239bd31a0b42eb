/** The leadership of one process among all candidates for a name. */
export interface Leadership {
  /**
   * Aborts as soon as this process can know that it no longer leads: the connection or lease behind the lead was lost,
   * the lead was released, or the broker closed. It never leads again with this object: call `elect` again. It aborts
   * before anything that this process publishes later can reach the server over a new connection.
   */
  readonly lost: AbortSignal;
  /** Ends the lead, so that the next candidate leads at once. May be called twice, and after the lead was lost. */
  release(): Promise<void>;
}

/**
 * The part of a broker that elects one leader among many processes. Schedulers need it if the broker cannot recognize
 * repeated ticks by `idempotencyKey`; otherwise they do not ask for it.
 */
export interface Elections {
  /**
   * Makes this process a candidate under `name`, and resolves once it leads. At most one candidate leads at a time,
   * among all processes on this server and namespace, and among several calls in one process. It waits without a limit,
   * through lost connections too, and does not poll. When the leader's process dies, a candidate leads within the time
   * the server needs to notice: at most the broker's lease or heartbeat, and within 2 s if the connection breaks. Names
   * are independent of each other.
   *
   * If `signal` aborts first, it resolves with `undefined` and holds nothing; an election won at that moment is
   * released. After it has resolved, the signal has no effect.
   * @param name 1 to 120 characters of `A-Z a-z 0-9 . _ -`
   * @throws BrokerUnavailableError once the broker is closed, and for reasons that waiting cannot remove, such as a
   * missing permission
   */
  elect(name: string, options: { readonly signal: AbortSignal }): Promise<Leadership | undefined>;
}
