import type { Clock, TimerHandle } from '@brokkr/core/adapter';
import type { SlotLine } from './slot-line.ts';

/**
 * Ends permits whose leases are over. Only a timer does this, as for the leases of messages: after a handler has blocked the
 * event loop, renewals are late too, and the permit of a run that goes on must not be given to another message before them.
 */
export class LapseTimer {
  readonly #clock: Clock;
  /** Those with permits. */
  readonly #lines = new Set<SlotLine>();
  #timer: TimerHandle | undefined;
  #firesAt = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Permits of a line were granted, up to a time on the monotonic clock, unless they are renewed. */
  granted(line: SlotLine, until: number): void {
    if (line.held === 0) return;
    this.#lines.add(line);
    if (until < this.#firesAt) this.#arm(until);
  }

  /** Permits of a line were given back. After the last one the timer stops, because it would keep the process alive. */
  freed(line: SlotLine): void {
    if (line.held > 0 || !this.#lines.delete(line) || this.#lines.size > 0) return;
    this.close();
  }

  close(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#firesAt = Number.POSITIVE_INFINITY;
  }

  #arm(at: number): void {
    this.#clock.clearTimeout(this.#timer);
    this.#firesAt = at;
    this.#timer = this.#clock.setTimeout(() => this.#fire(), at - this.#clock.monotonic());
  }

  /** A late timer ends only those that were due at its time: the renewals of the others may be as late. */
  #fire(): void {
    const upTo = this.#firesAt;
    this.close();
    let next = Number.POSITIVE_INFINITY;
    for (const line of this.#lines) {
      next = Math.min(next, line.lapse(upTo));
      if (line.held === 0) this.#lines.delete(line);
    }
    if (next < Number.POSITIVE_INFINITY) this.#arm(next);
  }
}
