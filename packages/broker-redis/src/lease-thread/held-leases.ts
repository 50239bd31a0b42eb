import type { Delivery, LoopGuard } from '@brokkr/core/adapter';
import { ClaimedDelivery } from './claimed-delivery.ts';
import type { LeaseSlots } from './lease-slots.ts';

/** The deliveries that one subscription holds, as the thread sees them. */
export class HeldLeases {
  readonly #guard: LoopGuard;
  readonly #slots: LeaseSlots;
  readonly #subscription: number;

  constructor(guard: LoopGuard, slots: LeaseSlots, subscription: number) {
    this.#guard = guard;
    this.#slots = slots;
    this.#subscription = subscription;
  }

  /** The server has given leases on these. */
  claimed(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      ClaimedDelivery.setSlot(delivery, this.#slots.take(this.#subscription, delivery));
    }
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
    ClaimedDelivery.setSlot(delivery, -1);
  }
}
