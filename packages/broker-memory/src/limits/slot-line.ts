import { FIRST_RUN_MS, LAST_RUN_SHARE, lineWaitMs, RETURN_GRACE_MS, type Waiter } from '@brokkr/core/adapter';

/** A message that asks for a slot. */
export interface Requester {
  /** Names it in all lines. */
  readonly place: string;
  readonly waiter: Waiter;
  /** Its place among others, in every line: the order of first requests. No two messages have the same. */
  readonly ticket: number;
}

interface Waiting extends Requester {
  /** When it asks again, at the latest. */
  backAt: number;
  /** Whether it was named as next in line. */
  isNext: boolean;
}

/** The slots of one key: who holds them, and who waits for one, by ticket. */
export class SlotLine {
  /** End of the lease by token; of slots that are kept for messages, by their places. */
  readonly #held = new Map<string, number>();
  readonly #waiting = new Map<string, Waiting>();
  /** The same, by ticket. */
  readonly #line: Waiting[] = [];
  #averageMs: number | undefined;
  #keptUntil = Number.POSITIVE_INFINITY;

  /** When the first slot lapses that is kept for a message; infinite without one. */
  get keptUntil(): number {
    return this.#keptUntil;
  }

  get held(): number {
    return this.#held.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Ends permits whose leases ended up to a time. @returns when the next one ends; infinite without one */
  lapse(upTo: number): number {
    let next = Number.POSITIVE_INFINITY;
    this.#keptUntil = next;
    for (const [token, endsAt] of this.#held) {
      if (endsAt <= upTo) this.#held.delete(token);
      else next = Math.min(next, endsAt);
    }
    return next;
  }

  /** Removes waiters that did not return. */
  sweep(now: number): void {
    for (const [place, { backAt }] of this.#waiting) if (backAt < now - RETURN_GRACE_MS) this.leave(place);
  }

  /** The ticket of a message that waits here. */
  ticketOf(place: string): number | undefined {
    return this.#waiting.get(place)?.ticket;
  }

  holds(token: string): boolean {
    return this.#held.has(token);
  }

  /**
   * @param stoppedMs for how long nothing is granted
   * @returns how long to wait, in milliseconds; 0 if `take` may follow. A message that must wait gets a place in line.
   */
  ask(requester: Requester, slots: number, now: number, stoppedMs: number, promotes: boolean): number {
    const free = slots - this.#held.size;
    const rank = this.#rankOf(requester.ticket);
    if (rank < free && stoppedMs === 0) return 0;
    const lineMs = lineWaitMs(rank - Math.max(0, free) + 1, slots, this.#averageMs ?? FIRST_RUN_MS, promotes);
    const waitMs = Math.max(stoppedMs, rank < free ? 0 : lineMs);
    const known = this.#waiting.get(requester.place);
    if (known === undefined) this.#join({ ...requester, backAt: now + waitMs, isNext: false }, rank);
    else Object.assign(known, { backAt: now + waitMs, isNext: false });
    return waitMs;
  }

  take(place: string, token: string, endsAt: number): void {
    this.leave(place);
    this.#held.set(token, endsAt);
  }

  /** Keeps a slot for a message that cannot start yet. */
  keep(place: string, token: string, endsAt: number): void {
    this.giveUp(place, token);
    this.#held.set(place, endsAt);
    this.#keptUntil = Math.min(this.#keptUntil, endsAt);
  }

  /** The slot that is kept for a message is no longer. @returns whether `take` may follow */
  takeKept(place: string, slots: number, stoppedMs: number): boolean {
    return this.#held.delete(place) && this.#held.size < slots && stoppedMs === 0;
  }

  /** Another limit refused the message. A repeated call may find the slot that the first one took. */
  giveUp(place: string, token: string): void {
    this.leave(place);
    this.#held.delete(place);
    this.#held.delete(token);
  }

  /** A message waits here no longer. */
  leave(place: string): void {
    const known = this.#waiting.get(place);
    if (known === undefined) return;
    this.#waiting.delete(place);
    this.#line.splice(this.#rankOf(known.ticket), 1);
  }

  /** Takes their places from up to `most` messages. */
  takeWaiting(most: number): readonly Waiter[] {
    const taken = this.#line.splice(0, most);
    for (const { place } of taken) this.#waiting.delete(place);
    return taken.map(({ waiter }) => waiter);
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
    for (const waiting of this.#line) {
      if (free-- <= 0) break;
      if (waiting.isNext) continue;
      waiting.isNext = true;
      waiting.backAt = now;
      next.push(waiting.waiter);
    }
    return next;
  }

  #join(waiting: Waiting, rank: number): void {
    this.#waiting.set(waiting.place, waiting);
    this.#line.splice(rank, 0, waiting);
  }

  /** How many wait before a message. */
  #rankOf(ticket: number): number {
    let [from, to] = [0, this.#line.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#line[middle] as Waiting).ticket < ticket) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
