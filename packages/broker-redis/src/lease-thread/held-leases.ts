import type { Delivery, LoopGuard } from '@brokkr/core/adapter';
import type { LeaseSlots } from './lease-slots.ts';

/** The deliveries that one subscription holds, as the thread sees them. Each is released exactly once. */
export class HeldLeases {
  readonly #guard: LoopGuard;
  readonly #slots: LeaseSlots;
  readonly #subscription: number;
  readonly #held = new Map<Delivery, number>();

  constructor(guard: LoopGuard, slots: LeaseSlots, subscription: number) {
    this.#guard = guard;
    this.#slots = slots;
    this.#subscription = subscription;
  }

  /** The server has given leases on these. */
  claimed(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      const slot = this.#slots.take(this.#subscription, delivery);
      if (slot >= 0) this.#held.set(delivery, slot);
    }
  }

  /** The handler of a delivery starts. */
  runs(delivery: Delivery, timeoutMs: number): void {
    const slot = this.#held.get(delivery);
    if (slot !== undefined) this.#slots.runs(slot, this.#guard.started(delivery, timeoutMs));
  }

  /** The lease of a delivery has ended, or is about to. */
  ended(delivery: Delivery): void {
    const slot = this.#held.get(delivery);
    if (slot === undefined) return;
    this.#held.delete(delivery);
    this.#guard.ended(delivery);
    this.#slots.release(slot);
  }

  close(): void {
    for (const delivery of [...this.#held.keys()]) this.ended(delivery);
  }
}
