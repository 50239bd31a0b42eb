import type { JobDefinition } from './define-job.ts';
import { type DueTicks, tickId } from './due-ticks.ts';
import type { Progress } from './job-state.ts';
import type { Trigger } from './trigger.ts';

/** How often a scheduler that is ahead of this one must send a tick, in intervals of the job. */
const INTERVALS_TO_WAIT = 2;

/** Two clocks of one host at one moment, in milliseconds. */
export interface Moment {
  /** Epoch time. */
  readonly now: number;
  readonly monotonic: number;
}

/** Since when the last tick has been in the future. */
interface Ahead extends Moment {
  readonly last: number;
  readonly waitMs: number;
}

/**
 * How far a job is, and what to do when its last tick lies in the future.
 *
 * The last tick lies in the future if the clock of this host went back, or if the clock of another host is ahead. If
 * another scheduler goes on from there, its ticks are enough: sending them here too would double them. If no tick comes
 * for two intervals, no such scheduler lives, and the job goes on by the time of this host. Ticks up to the old last one
 * are then sent for the second time, under new idempotency keys: the broker would drop the old ones.
 *
 * A clock that went back by less than one interval has no effect: the next tick is awaited as usual.
 */
export class JobProgress {
  readonly #id: string;
  readonly #trigger: Trigger;
  readonly #due: DueTicks;
  #last = Number.NEGATIVE_INFINITY;
  #repeatsUntil = Number.NEGATIVE_INFINITY;
  #ahead: Ahead | undefined;
  #knownTick: number | undefined;
  /** Whether the progress here is not in the store. */
  isUnwritten = false;

  constructor({ id, trigger }: JobDefinition, due: DueTicks) {
    this.#id = id;
    this.#trigger = trigger;
    this.#due = due;
  }

  /** The last tick that was sent or passed over; -Infinity for a new job. */
  get last(): number {
    return this.#last;
  }

  /** The last tick that any scheduler has sent, even if the clock went back since. */
  get lastEver(): number {
    return Math.max(this.#last, this.#repeatsUntil);
  }

  /**
   * The last instant of the trigger that was sent or passed over. `undefined` if it is not known: a new job and a pause
   * store the instant at which they began, which may be between two ticks.
   */
  get lastTick(): number | undefined {
    if (this.#knownTick === undefined) return undefined;
    const following = this.#trigger.next(this.#knownTick);
    return following === undefined || following > this.#last ? this.#knownTick : undefined;
  }

  get isNew(): boolean {
    return this.#last === Number.NEGATIVE_INFINITY;
  }

  /** Returns the progress to store, if every tick up to `last` is passed. */
  toStore(last = this.#last): Progress {
    return { last, repeatsUntil: last < this.#repeatsUntil ? this.#repeatsUntil : undefined };
  }

  /** Whether this is further on than `stored`. */
  isAfter(stored: Progress | undefined): boolean {
    if (stored === undefined) return true;
    const { repeatsUntil } = this.toStore();
    if (stored.repeatsUntil === repeatsUntil) return this.#last > stored.last;
    return this.#last > Math.max(stored.last, stored.repeatsUntil ?? stored.last);
  }

  /** Adopts the progress of other schedulers. Older progress than that of this one is ignored. */
  learn({ last, repeatsUntil = Number.NEGATIVE_INFINITY }: Progress, now: number): void {
    if (repeatsUntil > this.#repeatsUntil) {
      // Another scheduler has noticed that the clock went back. If the clock of this host did not, this one is further on.
      const isBehind = this.#last > now || this.#last < last;
      this.#repeatsUntil = repeatsUntil;
      if (isBehind) this.#last = last;
    } else if (last > (repeatsUntil === this.#repeatsUntil ? this.#last : this.lastEver)) {
      this.#last = last;
    }
    // The clock of this host is right again, or was right all along: ticks up to then have been sent.
    if (this.#repeats && now >= this.#repeatsUntil && this.#due.endOfGrace(now) > this.#last) {
      this.#last = this.#repeatsUntil;
    }
    this.#noteTick();
  }

  /** Notes that every tick up to `tick` was sent, or is passed over. */
  pass(tick: number): void {
    if (tick <= this.#last) return;
    this.#last = tick;
    this.isUnwritten = true;
    this.#noteTick();
  }

  /** Returns the idempotency key of a tick. */
  keyOf(tick: number): string {
    const key = tickId(this.#id, tick);
    return this.#repeats && tick <= this.#repeatsUntil ? `${key}:again:${this.#repeatsUntil}` : key;
  }

  /** Returns how long to wait before `isStuck` can be true, in milliseconds; `undefined` if the last tick does not block. */
  waitMs({ now, monotonic }: Moment): number | undefined {
    const interval = this.#blockedInterval(now);
    if (interval === undefined) {
      this.#ahead = undefined;
      return undefined;
    }
    if (this.#ahead?.last !== this.#last) {
      const waitMs = Math.min(INTERVALS_TO_WAIT * interval, this.#due.graceMs);
      this.#ahead = { last: this.#last, now, monotonic, waitMs };
    }
    return Math.max(0, this.#ahead.monotonic + this.#ahead.waitMs - monotonic);
  }

  /** Whether the last tick lies in the future, and no scheduler has sent a further one for two intervals. */
  isStuck(moment: Moment): boolean {
    return this.waitMs(moment) === 0;
  }

  /** Goes on by the time of this host. Ticks of the wait are due now. */
  goOn(now: number): void {
    // It grows each time: with the keys of an earlier repetition, the broker would drop the ticks.
    this.#repeatsUntil = Math.max(this.#last, this.#repeatsUntil + 1);
    this.#last = Math.min(this.#ahead?.now ?? now, now);
    this.#ahead = undefined;
    this.isUnwritten = true;
  }

  /** Returns the instant after which the next tick will be sent. */
  nextAfter(now: number): number {
    const interval = this.#blockedInterval(now);
    if (interval === undefined) return Math.max(now, this.#last);
    const { now: since, waitMs } = this.#ahead ?? {
      now,
      waitMs: Math.min(INTERVALS_TO_WAIT * interval, this.#due.graceMs),
    };
    return Math.max(now, Math.min(since, now) + waitMs);
  }

  #noteTick(): void {
    if (this.#trigger.next(this.#last - 1) === this.#last) this.#knownTick = this.#last;
  }

  get #repeats(): boolean {
    return this.#last < this.#repeatsUntil;
  }

  /** Returns the interval of the job, if the last tick lies in the future by at least that. */
  #blockedInterval(now: number): number | undefined {
    if (this.#last <= now) return undefined;
    const repeated = this.#trigger.next(now);
    const second = repeated === undefined || repeated > this.#last ? undefined : this.#trigger.next(repeated);
    if (repeated === undefined || second === undefined) return undefined;
    const following = this.#trigger.next(this.#last);
    const interval = Math.max(second - repeated, following === undefined ? 0 : following - this.#last);
    return this.#last - now >= interval ? interval : undefined;
  }
}
