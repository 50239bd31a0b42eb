import type { Delivery, Envelope } from '@brokkr/core/adapter';

/** A delivery that knows its place in `LeaseSlots`: a table of them would cost more at each message. */
export class ClaimedDelivery implements Delivery {
  readonly envelope: Envelope;
  readonly fence: number;
  readonly crashes: number;
  #slot = -1;

  constructor(envelope: Envelope, fence: number, crashes: number) {
    this.envelope = envelope;
    this.fence = fence;
    this.crashes = crashes;
  }

  /** The slot of a delivery; -1 if it has none, because it is not guarded or was made by another program. */
  static slotOf(delivery: Delivery): number {
    return #slot in delivery ? delivery.#slot : -1;
  }

  static setSlot(delivery: Delivery, slot: number): void {
    if (#slot in delivery) delivery.#slot = slot;
  }
}
