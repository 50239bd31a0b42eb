import type { LoopGuard } from '@brokkr/core/adapter';
import type { SharedSlots } from './shared-slots.ts';

/** The slots of limits that the handlers of this process hold, as the thread sees them. */
export class HeldPermits {
  readonly #guard: LoopGuard;
  readonly #slots: SharedSlots;
  /** Their places in the shared memory, by key and token. */
  readonly #held = new Map<string, number>();

  constructor(guard: LoopGuard, slots: SharedSlots) {
    this.#guard = guard;
    this.#slots = slots;
  }

  /** A handler starts, and must have ended by `until`. @returns the same on the clock of the thread */
  started(until: number): number {
    return this.#guard.started(until);
  }

  /**
   * A handler that holds a slot starts.
   * @param key prefix of the keys of the limit's key
   * @param until as `started` returns it
   */
  runs(key: string, token: string, leaseMs: number, until: number): void {
    const name = key + token;
    let slot = this.#held.get(name);
    if (slot === undefined) {
      slot = this.#slots.take(key.length, Buffer.from(name), leaseMs);
      if (slot === -1) return;
      this.#held.set(name, slot);
    }
    this.#slots.runs(slot, until);
  }

  /** A slot is given back, or must lapse. */
  ended(key: string, token: string): void {
    if (this.#held.size === 0) return;
    const name = key + token;
    const slot = this.#held.get(name);
    if (slot === undefined) return;
    this.#held.delete(name);
    this.#slots.release(slot);
  }
}
