import { setImmediate } from 'node:timers';
import type { Clock, TimerHandle } from '../clock/clock.ts';

/** Messages of one chunk, and of one turn of the event loop: they block it for a few milliseconds. */
export const CHUNK = 500;
/** Messages that wait for the broker at the same time. */
const MOST_IN_FLIGHT = 4 * CHUNK;
/**
 * A chunk that waits longer is published nevertheless. A broker that does not answer then fails all calls within their
 * timeout, and middleware that itself waits for a `sendMany` ends.
 */
const LONGEST_WAIT_MS = 1_000;

interface Claim {
  /** Messages, at most `CHUNK`. */
  readonly weight: number;
  /** Whether they are published, and not only checked. */
  readonly isPublished: boolean;
  readonly since: number;
  readonly grant: () => void;
}

/**
 * Shares the event loop, and the messages in flight, among the calls of `sendMany`. Each call waits for its next chunk in
 * the order in which the chunks before were done, so that calls of any number block the loop no longer than one, and a
 * short call does not wait for a long one.
 */
export class SendTurns {
  readonly #clock: Clock;
  readonly #waiting: Claim[] = [];
  /** Messages of this turn of the event loop. */
  #used = 0;
  #inFlight = 0;
  #isTurning = false;
  #overdue: TimerHandle | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when `messages` may be checked and encoded. */
  check(messages: number): Promise<void> | undefined {
    return this.#claim(messages, false);
  }

  /** Resolves when `messages` may be published. Call `settled` with the same number after it. */
  publish(messages: number): Promise<void> | undefined {
    return this.#claim(messages, true);
  }

  settled(messages: number): void {
    this.#inFlight -= messages;
    this.#grantNext();
  }

  #claim(weight: number, isPublished: boolean): Promise<void> | undefined {
    const claim = { weight, isPublished, since: this.#clock.monotonic() };
    if (this.#waiting.length === 0 && this.#fits(claim)) {
      this.#take(claim);
      return undefined;
    }
    return new Promise((grant) => {
      this.#waiting.push({ ...claim, grant });
      this.#grantNext();
    });
  }

  #fits({ weight, isPublished, since }: Omit<Claim, 'grant'>): boolean {
    if (this.#used > 0 && this.#used + weight > CHUNK) return false;
    if (!isPublished || this.#inFlight === 0 || this.#inFlight + weight <= MOST_IN_FLIGHT) return true;
    return this.#clock.monotonic() - since >= LONGEST_WAIT_MS;
  }

  #take({ weight, isPublished }: Omit<Claim, 'grant'>): void {
    this.#used += weight;
    if (isPublished) this.#inFlight += weight;
    if (this.#isTurning) return;
    this.#isTurning = true;
    setImmediate(() => {
      this.#isTurning = false;
      this.#used = 0;
      this.#grantNext();
    });
  }

  #grantNext(): void {
    for (let [claim] = this.#waiting; claim !== undefined && this.#fits(claim); [claim] = this.#waiting) {
      this.#waiting.shift();
      this.#take(claim);
      claim.grant();
    }
    if (this.#overdue !== undefined) this.#clock.clearTimeout(this.#overdue);
    this.#overdue = undefined;
    const [next] = this.#waiting;
    // Otherwise the next turn looks again.
    if (next === undefined || this.#isTurning) return;
    const waitMs = next.since + LONGEST_WAIT_MS - this.#clock.monotonic();
    this.#overdue = this.#clock.setTimeout(() => this.#grantNext(), waitMs);
  }
}
