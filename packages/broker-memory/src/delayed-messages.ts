import type { Clock, TimerHandle } from '@brokkr/core/adapter';
import { DelayHeap } from './delay-heap.ts';
import type { StoredMessage } from './stored-message.ts';

/** The delayed messages of a queue, and the timer that wakes the queue when the first one is due. */
export class DelayedMessages {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  readonly #heap = new DelayHeap();
  #timer: TimerHandle | undefined;
  #timerDueAt = Number.POSITIVE_INFINITY;

  /** @param onDue called when messages are due: it takes them with `shiftDue`, then calls `watch` */
  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#heap.size;
  }

  /** @param dueAt time on the monotonic clock */
  add(message: StoredMessage, dueAt: number): void {
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
