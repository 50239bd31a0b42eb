import { type Clock, delayUntil, type TimerHandle } from '@brokkr/core/adapter';
import { DelayHeap } from './delay-heap.ts';
import type { StoredMessage } from './stored-message.ts';

/** The delayed messages of a queue, and the timer that wakes the queue when the first one is due. */
export class DelayedMessages {
  readonly #clock: Clock;
  readonly #maxDelayMs: number;
  readonly #onDue: () => void;
  readonly #heap = new DelayHeap();
  #timer: TimerHandle | undefined;
  #timerDueAt = Number.POSITIVE_INFINITY;

  /**
   * @param maxDelayMs longest delay in one hop, in milliseconds
   * @param onDue called when messages are due: it takes them with `shiftDue`, then calls `watch`
   */
  constructor(clock: Clock, maxDelayMs: number, onDue: () => void) {
    this.#clock = clock;
    this.#maxDelayMs = maxDelayMs;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#heap.size;
  }

  /**
   * Adds a message whose `notBefore` is in the future.
   * @param latest when it is due at the latest, on the monotonic clock
   * @returns false if it is due now
   */
  place(message: StoredMessage, latest = Number.POSITIVE_INFINITY): boolean {
    const { notBefore } = message.envelope;
    if (notBefore === undefined) {
      // Hot path: most messages have no delay, and every look at the clock costs a tenth of a microsecond.
      message.remainingDelayMs = 0;
      return false;
    }
    const now = this.#clock.monotonic();
    const delayMs = Math.min(delayUntil(notBefore, this.#clock.now()), latest - now);
    message.remainingDelayMs = Math.max(0, delayMs - this.#maxDelayMs);
    if (delayMs <= 0) return false;
    this.#add(message, now + Math.min(delayMs, this.#maxDelayMs));
    return true;
  }

  #add(message: StoredMessage, dueAt: number): void {
    this.#heap.add(message, dueAt);
    if (dueAt < this.#timerDueAt) this.watch();
  }

  /** Removes a message. Its timer stays: it finds nothing due. */
  remove(message: StoredMessage): void {
    this.#heap.remove(message);
  }

  /** Removes and returns the first message that is due by now. */
  shiftDue(): StoredMessage | undefined {
    return this.#heap.shiftDue(this.#clock.monotonic());
  }

  /** All messages, the earliest first. */
  inOrder(): StoredMessage[] {
    return this.#heap.inOrder();
  }

  /** Sets the timer to the first message. */
  watch(): void {
    this.close();
    const dueAt = this.#heap.nextDueAt();
    this.#timerDueAt = dueAt ?? Number.POSITIVE_INFINITY;
    if (dueAt !== undefined) this.#timer = this.#clock.setTimeout(this.#onDue, dueAt - this.#clock.monotonic());
  }

  close(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
