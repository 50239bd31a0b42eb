import { FIRST_RUN_MS, LAST_RUN_SHARE, lineWaitMs, RETURN_GRACE_MS, type Waiter } from '@brokkr/core/adapter';

interface Waiting {
  readonly waiter: Waiter;
  /** When it asks again, at the latest. */
  backAt: number;
  /** Whether it was named as next in line. */
  isNext: boolean;
}

/** The slots of one key: who holds them, and who waits for one, in the order of their first requests. */
export class SlotLine {
  /** End of the lease by token. */
  readonly #held = new Map<string, number>();
  readonly #waiting = new Map<string, Waiting>();
  #averageMs: number | undefined;

  get held(): number {
    return this.#held.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Ends permits whose leases ended up to a time. @returns when the next one ends; infinite without one */
  lapse(upTo: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const [token, endsAt] of this.#held) {
      if (endsAt <= upTo) this.#held.delete(token);
      else next = Math.min(next, endsAt);
    }
    return next;
  }

  /** Removes waiters that did not return. */
  sweep(now: number): void {
    for (const [place, { backAt }] of this.#waiting) if (backAt < now - RETURN_GRACE_MS) this.#waiting.delete(place);
  }

  holds(token: string): boolean {
    return this.#held.has(token);
  }

  /**
   * @param stoppedMs for how long nothing is granted
   * @returns how long to wait, in milliseconds; 0 if `take` may follow. A message that must wait gets a place in line.
   */
  ask(place: string, waiter: Waiter, slots: number, now: number, stoppedMs: number, promotes: boolean): number {
    const free = slots - this.#held.size;
    const rank = this.#rankOf(place);
    if (rank < free && stoppedMs === 0) return 0;
    const lineMs = lineWaitMs(rank - Math.max(0, free) + 1, slots, this.#averageMs ?? FIRST_RUN_MS, promotes);
    const waitMs = Math.max(stoppedMs, rank < free ? 0 : lineMs);
    const known = this.#waiting.get(place);
    if (known === undefined) this.#waiting.set(place, { waiter, backAt: now + waitMs, isNext: false });
    else Object.assign(known, { backAt: now + waitMs, isNext: false });
    return waitMs;
  }

  take(place: string, token: string, endsAt: number): void {
    this.#waiting.delete(place);
    this.#held.set(token, endsAt);
  }

  /** Another limit refused the message. A repeated call may find the slot that the first one took. */
  giveUp(place: string, token: string): void {
    this.#waiting.delete(place);
    this.#held.delete(token);
  }

  /** A message no longer exists. */
  leave(place: string): void {
    this.#waiting.delete(place);
  }

  /** Takes their places from up to `most` messages. */
  takeWaiting(most: number): readonly Waiter[] {
    const taken = [...this.#waiting].slice(0, most);
    for (const [place] of taken) this.#waiting.delete(place);
    return taken.map(([, { waiter }]) => waiter);
  }

  renew(token: string, endsAt: number): void {
    if (this.#held.has(token)) this.#held.set(token, endsAt);
  }

  release(token: string, ranMs: number): void {
    if (!this.#held.delete(token) || ranMs <= 0) return;
    const average = this.#averageMs ?? ranMs;
    this.#averageMs = average + LAST_RUN_SHARE * (ranMs - average);
  }

  /** Waiters for whom there is a free slot, and that were not named yet. They must return within the grace. */
  next(slots: number, now: number): readonly Waiter[] {
    const next: Waiter[] = [];
    let free = slots - this.#held.size;
    for (const waiting of this.#waiting.values()) {
      if (free-- <= 0) break;
      if (waiting.isNext) continue;
      waiting.isNext = true;
      waiting.backAt = now;
      next.push(waiting.waiter);
    }
    return next;
  }

  /** How many wait before it. A message without a place would be the last one. */
  #rankOf(place: string): number {
    let rank = 0;
    if (!this.#waiting.has(place)) return this.#waiting.size;
    for (const other of this.#waiting.keys()) {
      if (other === place) break;
      rank++;
    }
    return rank;
  }
}
