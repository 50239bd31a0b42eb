import type { Duration } from '../clock/duration.ts';

/** A message that was sent. */
export interface TaskHandle<R = unknown> {
  /** Id of the message; if `isNew` is false, that of the message which was stored earlier under the same key. */
  readonly id: string;
  /** Queue to which it was sent. */
  readonly queue: string;
  /** False if the idempotency key was known: nothing was stored. */
  readonly isNew: boolean;
  /**
   * Waits for the result: the value that the handler returned, as JSON carries it.
   * @param options `timeout`: how long to wait; 30 s by default
   * @throws TaskFailedError if the message became a dead letter or expired
   * @throws ResultTimeoutError after `timeout`
   * @throws UnsupportedFeatureError if the task keeps no results, or there is no result store
   * @throws SerializationError if the handler returned a value that JSON cannot carry
   * @example
   * const sum = await handle.result({ timeout: '5s' });
   */
  result(options?: { readonly timeout?: Duration | undefined }): Promise<R>;
  /**
   * Removes the message if it has not started.
   * @returns whether it was removed: false if it runs, has ended or is a dead letter
   * @throws UnsupportedFeatureError if the broker does not know its messages by id
   * @throws BrokerUnavailableError if the broker is unreachable
   */
  cancel(): Promise<boolean>;
}
