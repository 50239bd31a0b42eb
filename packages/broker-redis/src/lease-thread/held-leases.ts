import type { Delivery, LoopGuard } from '@brokkr/core/adapter';
import { ClaimedDelivery } from './claimed-delivery.ts';
import type { SharedSlots } from './shared-slots.ts';

/** The deliveries that one subscription holds, as the thread sees them. */
export class HeldLeases {
  readonly #guard: LoopGuard;
  readonly #slots: SharedSlots;
  readonly #subscription: number;

  constructor(guard: LoopGuard, slots: SharedSlots, subscription: number) {
    this.#guard = guard;
    this.#slots = slots;
    this.#subscription = subscription;
  }

  /** The server has given a lease on the message with this id. @returns the slot of its delivery; -1: it is not guarded */
  claimed(id: Uint8Array, fence: number): number {
    return this.#slots.take(this.#subscription, id, fence);
  }

  /** The handler of a delivery starts. */
  runs(delivery: Delivery, until: number): void {
    const slot = ClaimedDelivery.slotOf(delivery);
    if (slot >= 0) this.#slots.runs(slot, this.#guard.started(until));
  }

  /** The lease of a delivery has ended, or is about to. */
  ended(delivery: Delivery): void {
    const slot = ClaimedDelivery.slotOf(delivery);
    if (slot < 0) return;
    this.#slots.release(slot);
    ClaimedDelivery.clearSlot(delivery);
  }
}
