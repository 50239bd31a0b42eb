/** Keeps the results of tasks that have the option `result`. A part of a broker, or any other object that is injected. */
export interface ResultStore {
  /** Keeps `result` for `ttlMs` milliseconds, in place of an older one of the same id. */
  store(id: string, result: Uint8Array, ttlMs: number): Promise<void>;
  /**
   * Returns the result of `id`. Waits for it until `signal` aborts, then resolves with `undefined`. If the signal is
   * already aborted, it looks once and does not wait.
   */
  load(id: string, signal: AbortSignal): Promise<Uint8Array | undefined>;
}
