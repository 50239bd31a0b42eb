import { PLANNED_LIFE_MS, type Waiter } from '@brokkr/core/adapter';

interface Rate {
  readonly intervalMs: number;
  readonly burst: number;
}

/** Instants that differ by less are the same, in milliseconds: sums of fractions are not exact. */
const SAME_MS = 0.0005;

/**
 * The starts of one key, by the generic cell rate algorithm, twice: a message that must wait gets a time of its own, so
 * that it asks about once; and a start is charged when it happens, so that messages which are late do not bunch.
 * Times are those of the key's clock, in milliseconds.
 */
export class RateLine {
  readonly #planned = new Map<string, { readonly waiter: Waiter; readonly at: number }>();
  /** The next free time, without the burst. */
  #plan = 0;
  /** When the next start is due if none came early: the "theoretical arrival time". */
  #due = 0;
  /** The next time for messages that came too late for their own. */
  #catchUp = 0;

  get waiting(): number {
    return this.#planned.size;
  }

  /** Forgets the times of messages that did not return. */
  sweep(now: number): void {
    for (const [place, { at }] of this.#planned) if (at < now - PLANNED_LIFE_MS) this.#planned.delete(place);
  }

  /** @returns when to ask again; `undefined` if `start` may follow */
  ask(place: string, waiter: Waiter, { intervalMs, burst }: Rate, now: number): number | undefined {
    const early = (burst - 1) * intervalMs;
    let at = this.#planned.get(place)?.at;
    if (at === undefined) {
      const plan = Math.max(this.#plan, now);
      at = Math.max(now, plan - early);
      this.#plan = plan + intervalMs;
    }
    if (at <= now + SAME_MS) {
      const free = Math.max(this.#due, now) - early;
      if (free <= now + SAME_MS) {
        this.#planned.set(place, { waiter, at });
        return undefined;
      }
      at = Math.max(this.#catchUp, free);
      this.#catchUp = at + intervalMs;
    }
    this.#planned.set(place, { waiter, at });
    return at;
  }

  start(place: string, { intervalMs, burst }: Rate, now: number): void {
    const at = this.#planned.get(place)?.at ?? now;
    this.#planned.delete(place);
    // Starts that no message took are lost. Messages that wait are all late by this time: the next ones line up behind them.
    const lostMs = now - Math.max(this.#due, at + (burst - 1) * intervalMs);
    if (lostMs > 0 && this.#plan > now) this.#plan += lostMs;
    this.#due = Math.max(this.#due, now) + intervalMs;
  }

  /** Forgets starts by an older rate: the next ones wait no longer than after a burst of this rate. */
  owesAtMost({ intervalMs, burst }: Rate, now: number): void {
    this.#due = Math.min(this.#due, now + burst * intervalMs);
  }

  /** Takes the times from up to `most` messages. */
  reschedule(most: number): readonly Waiter[] {
    const taken = [...this.#planned].slice(0, most);
    for (const [place] of taken) this.#planned.delete(place);
    this.#plan = 0;
    this.#catchUp = 0;
    return taken.map(([, { waiter }]) => waiter);
  }
}
