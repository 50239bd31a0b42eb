import type { Delivery, Envelope } from '@brokkr/core/adapter';

/** A delivery that knows its place in `SharedSlots`: a table of them would cost more at each message. */
export class ClaimedDelivery implements Delivery {
  readonly envelope: Envelope;
  readonly fence: number;
  readonly crashes: number;
  #slot: number;

  /** @param slot its slot; -1 if it is not guarded */
  constructor(envelope: Envelope, fence: number, crashes: number, slot: number) {
    this.envelope = envelope;
    this.fence = fence;
    this.crashes = crashes;
    this.#slot = slot;
  }

  /** The slot of a delivery; -1 if it has none, because it is not guarded or was made by another program. */
  static slotOf(delivery: Delivery): number {
    return #slot in delivery ? delivery.#slot : -1;
  }

  /** Makes a delivery forget its slot, which another one may take from now on. */
  static clearSlot(delivery: Delivery): void {
    if (#slot in delivery) delivery.#slot = -1;
  }
}
