import type { Delivery } from '@brokkr/core/adapter';
import { handedOut, type StoredMessage } from './stored-message.ts';

/** A delivery that refers to its stored message, so that settling needs no search. */
export class HandOver implements Delivery {
  readonly envelope: Delivery['envelope'];
  readonly fence: number;
  readonly crashes: number;
  readonly remainingDelayMs: number | undefined;
  readonly #message: StoredMessage;

  constructor(message: StoredMessage) {
    this.envelope = handedOut(message.envelope);
    this.fence = message.fence;
    this.crashes = message.crashes;
    this.remainingDelayMs = message.remainingDelayMs > 0 ? message.remainingDelayMs : undefined;
    this.#message = message;
  }

  /** Returns the message of one of our deliveries; `undefined` for a copy of one. */
  static messageOf(delivery: Delivery): StoredMessage | undefined {
    return #message in delivery ? delivery.#message : undefined;
  }
}
