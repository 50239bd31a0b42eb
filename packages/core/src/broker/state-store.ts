/**
 * Small values by name, for the scheduler (last tick, paused jobs). They survive restarts if the broker is persistent.
 * Several processes may read and write one key concurrently. Each call takes effect as a whole, in some order: a reader
 * sees the value before a write or the one after it, never an absent one in between. Every read that begins after a
 * write has resolved sees that write, on any connection. Calls may be repeated safely.
 */
export interface StateStore {
  /**
   * @param key any string of up to 200 characters, not only those of queue names
   * @throws BrokerUnavailableError if the broker is unreachable for longer than `sendTimeoutMs`
   */
  get(key: string): Promise<string | undefined>;
  /**
   * @param value at most 1 KiB; `undefined` removes the key
   * @throws BrokerUnavailableError if the broker is unreachable for longer than `sendTimeoutMs`
   */
  set(key: string, value: string | undefined): Promise<void>;
}
