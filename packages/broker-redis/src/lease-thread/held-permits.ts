import type { LoopGuard, PermitRequest, ReleasedPermit } from '@brokkr/core/adapter';
import type { Keys } from '../keys.ts';
import type { SharedSlots } from './shared-slots.ts';

/** A permit in the shared memory. */
interface Held {
  readonly limit: string;
  readonly key: string;
  readonly slot: number;
  /** Another one of the same token, which has several limits. */
  next: Held | undefined;
}

/** The slots of limits that the handlers of this process hold, as the thread sees them. */
export class HeldPermits {
  readonly #guard: LoopGuard;
  readonly #slots: SharedSlots;
  /** By token. */
  readonly #held = new Map<string, Held>();
  /** The name of the last key: messages of one fetch mostly have the same. */
  #last = { limit: '', key: '', prefix: '' };

  constructor(guard: LoopGuard, slots: SharedSlots) {
    this.#guard = guard;
    this.#slots = slots;
  }

  /** A handler starts, and must have ended by `until`. @param request its permits, if it holds some */
  runs(request: PermitRequest | undefined, until: number, leaseMs: number, keys: Keys): void {
    const deadline = this.#guard.started(until);
    if (request === undefined) return;
    const { token, demands } = request;
    const first = this.#held.get(token);
    for (let held = first; held !== undefined; held = held.next) this.#slots.runs(held.slot, deadline);
    if (first !== undefined) return;
    let next: Held | undefined;
    for (const { limit, key, rule } of demands) {
      if (rule.kind !== 'concurrency') continue;
      const slot = this.#slots.takeNamed(this.#prefixOf(limit, key, keys), token, leaseMs);
      if (slot === -1) continue;
      this.#slots.runs(slot, deadline);
      next = { limit, key, slot, next };
    }
    if (next !== undefined) this.#held.set(token, next);
  }

  /** The message of a run was lost: its slots must lapse. */
  lost({ token }: PermitRequest): void {
    for (let held = this.#held.get(token); held !== undefined; held = held.next) this.#slots.release(held.slot);
    this.#held.delete(token);
  }

  /** Slots are given back. */
  ended(permits: readonly ReleasedPermit[]): void {
    if (this.#held.size === 0) return;
    for (const permit of permits) this.#ended(permit);
  }

  #ended({ limit, key, token }: ReleasedPermit): void {
    let before: Held | undefined;
    let held = this.#held.get(token);
    while (held !== undefined && (held.limit !== limit || held.key !== key)) {
      before = held;
      held = held.next;
    }
    if (held === undefined) return;
    this.#slots.release(held.slot);
    if (before !== undefined) before.next = held.next;
    else if (held.next !== undefined) this.#held.set(token, held.next);
    else this.#held.delete(token);
  }

  #prefixOf(limit: string, key: string, keys: Keys): string {
    if (this.#last.limit !== limit || this.#last.key !== key) {
      this.#last = { limit, key, prefix: keys.limit(limit, key) };
    }
    return this.#last.prefix;
  }
}
