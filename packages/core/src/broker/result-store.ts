/** Keeps the results of tasks that have the option `result`. A part of a broker, or any other object that is injected. */
export interface ResultStore {
  /**
   * Set by a broker whose subscriptions store `Settlement.result` in one step with the settlement, and only if it takes
   * effect. If it is not set, the worker stores a result after its settlement was accepted. @default false
   */
  readonly storesWithSettlement?: boolean | undefined;
  /**
   * Keeps `result` for `ttlMs` milliseconds, in place of an older one of the same id.
   * @param options with `onlyIfNone` a result that is there is kept, and this one is dropped. In one step: two calls at
   * the same time must not both find none. @default `{ onlyIfNone: false }`
   */
  store(
    id: string,
    result: Uint8Array,
    ttlMs: number,
    options?: { readonly onlyIfNone?: boolean | undefined },
  ): Promise<void>;
  /**
   * Returns the result of `id`. Waits for it until `signal` aborts, then resolves with `undefined`. If the signal is
   * already aborted, it looks once and does not wait.
   */
  load(id: string, signal: AbortSignal): Promise<Uint8Array | undefined>;
}
