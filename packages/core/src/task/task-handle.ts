import type { Duration } from '../clock/duration.ts';

/** A message that was sent. */
export interface TaskHandle<R = unknown> {
  /** Of the message; that of the earlier one where `isNew` is false. */
  readonly id: string;
  /** Where it was sent to. */
  readonly queue: string;
  /** False where the idempotency key was known already: nothing new was stored. */
  readonly isNew: boolean;
  /**
   * Waits for the result: what JSON made of what the handler returned.
   * @param options `timeout`: how long to wait @default 30 s
   * @throws UnsupportedFeatureError where the task keeps none or there is no result store; TaskFailedError where it
   * ended among the dead letters; ResultTimeoutError after `timeout`; SerializationError where the handler returned
   * what JSON cannot hold
   */
  result(options?: { readonly timeout?: Duration | undefined }): Promise<R>;
  /**
   * Removes the message if it has not started; resolves with whether it did: false for one that runs, has ended, or
   * stands among the dead letters.
   * @throws UnsupportedFeatureError where the broker cannot; BrokerUnavailableError where it is away
   */
  cancel(): Promise<boolean>;
}
