import type { Clock, TimerHandle } from '@brokkr/core';
import type { StoredMessage } from './stored-message.ts';

/**
 * What one consumer holds. All its leases are equally long, so the order in which they were given or renewed is the
 * order in which they run out, and one timer watches the first.
 */
export class LeaseTable {
  readonly workerId: string;
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #onLapsed: (messages: readonly StoredMessage[]) => void;
  readonly #held = new Set<StoredMessage>();
  #timer: TimerHandle | undefined;

  constructor(workerId: string, clock: Clock, leaseMs: number, onLapsed: (messages: readonly StoredMessage[]) => void) {
    this.workerId = workerId;
    this.#clock = clock;
    this.#leaseMs = leaseMs;
    this.#onLapsed = onLapsed;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Gives a lease, or renews it. */
  hold(message: StoredMessage): void {
    message.state = 'held';
    message.leaseEndsAt = this.#clock.monotonic() + this.#leaseMs;
    this.#held.delete(message);
    this.#held.add(message);
    this.#timer ??= this.#clock.setTimeout(() => this.reap(), this.#leaseMs);
  }

  /** Whether this hand-over still holds the message. */
  holds(message: StoredMessage | undefined, fence: number): message is StoredMessage {
    return message !== undefined && message.fence === fence && this.#held.has(message);
  }

  end(message: StoredMessage): void {
    this.#held.delete(message);
  }

  /** Ends the leases that have run out. Asked before each use too: a timer may come late. */
  reap(): void {
    const now = this.#clock.monotonic();
    const lapsed: StoredMessage[] = [];
    for (const message of this.#held) {
      if (message.leaseEndsAt > now) break;
      lapsed.push(message);
    }
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lapse(lapsed);
    const [first] = this.#held;
    if (first !== undefined) this.#timer = this.#clock.setTimeout(() => this.reap(), first.leaseEndsAt - now);
  }

  /** Ends all leases at once: the worker is known to be dead. */
  lapseAll(): number {
    const held = [...this.#held];
    this.#lapse(held);
    return held.length;
  }

  close(): void {
    this.#held.clear();
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #lapse(messages: readonly StoredMessage[]): void {
    if (messages.length === 0) return;
    for (const message of messages) this.#held.delete(message);
    this.#onLapsed(messages);
  }
}
