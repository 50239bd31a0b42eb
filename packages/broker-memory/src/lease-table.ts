import type { Clock, TimerHandle } from '@brokkr/core/adapter';
import { MessageLine } from './message-line.ts';
import type { StoredMessage } from './stored-message.ts';

export interface LeaseTableOptions {
  readonly workerId: string;
  readonly leaseMs: number;
  readonly clock: Clock;
  /** Called with the messages whose deliveries ended without a settlement. */
  readonly onLapsed: (messages: readonly StoredMessage[]) => void;
  /** Called when the table is retired and empty; it may be called more than once. */
  readonly onOver: () => void;
}

/**
 * The leases of one consumer. All have the same length: they expire in the order in which they were granted or renewed,
 * and one timer for the first is enough.
 */
export class LeaseTable {
  readonly workerId: string;
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #onLapsed: (messages: readonly StoredMessage[]) => void;
  readonly #onOver: () => void;
  readonly #held = new MessageLine('held');
  #timer: TimerHandle | undefined;
  #isRetired = false;

  constructor({ workerId, leaseMs, clock, onLapsed, onOver }: LeaseTableOptions) {
    this.workerId = workerId;
    this.#clock = clock;
    this.#leaseMs = leaseMs;
    this.#onLapsed = onLapsed;
    this.#onOver = onOver;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Returns when a lease that is granted now expires, on the monotonic clock. */
  endOfLease(): number {
    return this.#clock.monotonic() + this.#leaseMs;
  }

  /** Grants a lease on a message that is in no line. */
  hold(message: StoredMessage, endsAt: number): void {
    message.leaseEndsAt = endsAt;
    this.#held.pushBack(message);
    this.#timer ??= this.#clock.setTimeout(() => this.#watch(), this.#leaseMs);
  }

  /** Renews the lease of a message in this table. */
  renew(message: StoredMessage): void {
    this.#held.remove(message);
    this.hold(message, this.endOfLease());
  }

  /** Whether the message is held by any delivery of this consumer. */
  has(message: StoredMessage): boolean {
    return message.line === this.#held;
  }

  /** Whether this delivery still holds the message. */
  holds(message: StoredMessage | undefined, fence: number): message is StoredMessage {
    return message !== undefined && message.fence === fence && message.line === this.#held;
  }

  end(message: StoredMessage): void {
    this.#held.remove(message);
    if (this.#isRetired) this.#rest();
  }

  /**
   * Grants no more leases. When the last one has ended, the timer stops, because it would keep the process alive.
   * Before that, one timer for all messages is cheaper than one for each.
   */
  retire(): void {
    this.#isRetired = true;
    this.#rest();
  }

  /**
   * Ends the leases that have expired. Only the timer does this. After a handler has blocked the event loop, that timer is
   * late; settlements and renewals that come before it count, because no other worker can have taken the messages.
   */
  #reap(): void {
    const now = this.#clock.monotonic();
    const lapsed: StoredMessage[] = [];
    for (let message = this.#held.first; message !== undefined; message = message.after) {
      if (message.leaseEndsAt > now) break;
      lapsed.push(message);
    }
    if (lapsed.length === 0) return;
    for (const message of lapsed) this.#held.remove(message);
    this.#onLapsed(lapsed);
    if (this.#isRetired) this.#rest();
  }

  /** Ends all leases immediately, because the worker is dead. @returns how many */
  lapseAll(): number {
    const held = this.#held.clear();
    if (held.length > 0) this.#onLapsed(held);
    if (this.#isRetired) this.#rest();
    return held.length;
  }

  close(): void {
    this.#held.clear();
    this.#rest();
  }

  #rest(): void {
    if (this.#held.size > 0) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isRetired) this.#onOver();
  }

  #watch(): void {
    this.#timer = undefined;
    this.#reap();
    const first = this.#held.first;
    if (first !== undefined) {
      this.#timer = this.#clock.setTimeout(() => this.#watch(), first.leaseEndsAt - this.#clock.monotonic());
    }
  }
}
