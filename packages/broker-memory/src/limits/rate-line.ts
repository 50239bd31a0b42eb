import { MOST_CALLED, PLANNED_LIFE_MS, RETURN_GRACE_MS, STAND_BY_MS, type Waiter } from '@brokkr/core/adapter';

interface Rate {
  readonly intervalMs: number;
  readonly burst: number;
}

interface Waiting {
  readonly waiter: Waiter;
  /** When it may start if all before it do; of one that was called: when it was called. */
  readonly at: number;
}

/** Instants that differ by less are the same, in milliseconds: sums of fractions are not exact. */
const SAME_MS = 0.0005;

/**
 * The starts of one key, by the generic cell rate algorithm, and the messages that wait for them. A start is charged when
 * it happens, so messages that are late do not bunch. Messages are called by a second clock of the same rate: a message
 * that is called and comes late holds up no other. Times are those of the key's clock, in milliseconds.
 */
export class RateLine {
  /** Messages that were called, and refused because others came before them: they are called first. */
  readonly #refused = new Map<string, Waiting>();
  /** The others that wait, in the order of their first requests. */
  readonly #line = new Map<string, Waiting>();
  /** Those that were called, or have had their turn, and did not start yet. */
  readonly #called = new Map<string, Waiting>();
  /** The ones of these that will probably return: when each was called. */
  readonly #returning = new Map<string, number>();
  /** When the next start is due if none came early: the "theoretical arrival time". */
  #due = 0;
  /** The same for calls. */
  #callDue = 0;

  /** Whether nothing changes if it is forgotten. */
  isIdle(now: number): boolean {
    return this.#due <= now && this.waiting === 0;
  }

  get waiting(): number {
    return this.#refused.size + this.#line.size + this.#returning.size;
  }

  /**
   * Forgets messages that did not return.
   * @param promotes whether messages are called; otherwise each has its turn at its own time
   */
  sweep(now: number, promotes: boolean): void {
    for (const waiting of promotes ? [] : [this.#refused, this.#line]) {
      for (const [place, { waiter, at }] of waiting) {
        if (at > now) break;
        this.passed(place, waiter, at);
      }
    }
    for (const [place, at] of this.#returning) {
      if (at >= now - RETURN_GRACE_MS) break;
      this.#returning.delete(place);
    }
    for (const waiting of [this.#called, this.#line]) {
      for (const [place, { at }] of waiting) {
        if (at >= now - PLANNED_LIFE_MS) break;
        waiting.delete(place);
      }
    }
  }

  /**
   * @param promotes as for `sweep`
   * @returns when it may start if all before it do; `undefined` if `start` may follow
   */
  ask(
    place: string,
    waiter: Waiter,
    rate: Rate,
    now: number,
    isStopped: boolean,
    promotes: boolean,
  ): number | undefined {
    const isKnown = this.#refused.has(place) || this.#line.has(place) || this.#called.has(place);
    const due = isStopped ? 0 : startsDue(this.#due, rate, now);
    if (due > 0 && (isKnown || this.waiting < due)) return undefined;
    const { line, ahead } = this.#placeOf(place, rate);
    if (this.#called.has(place)) this.#forget(place);
    const at = Math.max(this.#due, now) + (ahead + 1 - rate.burst) * rate.intervalMs;
    // A message that is called keeps the time that places it among the others. One that is not called returns at the new time.
    if (!promotes || !line.has(place)) line.set(place, { waiter, at });
    return at;
  }

  /** Whether a message was called, or another limit refused it when it was its turn. */
  hadItsTurn(place: string): boolean {
    return this.#called.has(place);
  }

  /** Whether a message is called before all others. */
  isNext(place: string): boolean {
    const [first] = this.#refused.keys();
    return first === place;
  }

  /** It is, or was, the turn of a message. */
  passed(place: string, waiter: Waiter, now: number): void {
    this.#forget(place);
    this.#called.set(place, { waiter, at: now });
    this.#returning.set(place, now);
  }

  /** Another limit refused it: if it was called, another message may have the start. It keeps its place. */
  passOn(place: string, { intervalMs }: Rate): void {
    if (this.#called.has(place)) this.#callDue -= intervalMs;
  }

  start(place: string, { intervalMs }: Rate, now: number): void {
    if (!this.#forget(place)) this.#callDue = Math.max(this.#callDue, now) + intervalMs;
    this.#due = Math.max(this.#due, now) + intervalMs;
  }

  /** @returns the messages whose starts are due and that were not called before */
  call(rate: Rate, now: number): readonly Waiter[] {
    const most = Math.min(startsDue(this.#due, rate, now), startsDue(this.#callDue, rate, now), MOST_CALLED);
    const next: Waiter[] = [];
    for (const waiting of [this.#refused, this.#line]) {
      for (const [place, { waiter }] of waiting) {
        if (next.length >= most) break;
        this.passed(place, waiter, now);
        next.push(waiter);
      }
    }
    if (next.length > 0) this.#callDue = Math.max(this.#callDue, now) + next.length * rate.intervalMs;
    return next;
  }

  /**
   * When to call again; `undefined` if none waits to be called.
   * @param named how many messages the last call named
   * @param isEarly whether that call came before its time
   */
  callAgainAt(rate: Rate, now: number, named: number, isEarly: boolean): number | undefined {
    if (this.#refused.size + this.#line.size === 0) return undefined;
    const at = Math.max(this.#due, this.#callDue, now) - (rate.burst - 1) * rate.intervalMs;
    const wasSlower = !isEarly && named === 0 && startsDue(this.#callDue, rate, now) === 0;
    return wasSlower ? at + STAND_BY_MS : at;
  }

  /** A message no longer exists. The start for which it was called is that of the next one. */
  leave(place: string, { intervalMs }: Rate): void {
    if (this.#forget(place)) this.#callDue -= intervalMs;
  }

  /** Forgets starts by an older rate: the next ones wait no longer than after a burst of this rate. */
  owesAtMost({ intervalMs, burst }: Rate, now: number): void {
    this.#due = Math.min(this.#due, now + burst * intervalMs);
    this.#callDue = Math.min(this.#callDue, now + burst * intervalMs);
  }

  /** Takes their places from up to `most` messages. */
  reschedule(most: number): readonly Waiter[] {
    const taken: Waiter[] = [];
    for (const waiting of [this.#refused, this.#line]) {
      for (const [place, { waiter }] of waiting) {
        if (taken.length >= most) break;
        waiting.delete(place);
        taken.push(waiter);
      }
    }
    this.#callDue = 0;
    return taken;
  }

  /** @returns whether it was called */
  #forget(place: string): boolean {
    this.#returning.delete(place);
    this.#refused.delete(place);
    this.#line.delete(place);
    return this.#called.delete(place);
  }

  /** Where a refused message waits, and how many start before it. */
  #placeOf(place: string, { intervalMs }: Rate): { readonly line: Map<string, Waiting>; readonly ahead: number } {
    const [first] = this.#line.values();
    const known = this.#line.get(place);
    // The times of the line are an interval apart.
    if (known !== undefined && first !== undefined)
      return { line: this.#line, ahead: Math.max(0, Math.round((known.at - first.at) / intervalMs)) };
    if (this.#called.has(place) || this.#refused.has(place)) return { line: this.#refused, ahead: this.#refused.size };
    return { line: this.#line, ahead: this.waiting };
  }
}

/** How many starts are due. @param due when the next one is if none came early */
function startsDue(due: number, { intervalMs, burst }: Rate, now: number): number {
  const early = now + SAME_MS - Math.max(due, now) + (burst - 1) * intervalMs;
  return early < 0 ? 0 : Math.floor(early / intervalMs) + 1;
}
