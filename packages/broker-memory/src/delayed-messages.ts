import type { Clock, TimerHandle } from '@brokkr/core/adapter';
import { DelayHeap } from './delay-heap.ts';
import type { StoredMessage } from './stored-message.ts';

/** The delayed messages of a queue, with one timer for the message that is due first. */
export class DelayedMessages {
  readonly #clock: Clock;
  readonly #onDue: (messages: readonly StoredMessage[]) => void;
  readonly #heap = new DelayHeap();
  #timer: TimerHandle | undefined;
  #firesAt = Number.POSITIVE_INFINITY;

  /** @param onDue is called with messages that are due, in the order of their times */
  constructor(clock: Clock, onDue: (messages: readonly StoredMessage[]) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#heap.size;
  }

  /** @param dueAt on the monotonic clock */
  add(message: StoredMessage, dueAt: number): void {
    this.#heap.add(message, dueAt);
    if (dueAt < this.#firesAt) this.#watch();
  }

  remove(message: StoredMessage): void {
    this.#heap.remove(message);
    // Without delayed messages no timer keeps the process running.
    if (this.#heap.size === 0) this.#watch();
  }

  /** All of them, earliest first. */
  inOrder(): StoredMessage[] {
    return this.#heap.inOrder();
  }

  close(): void {
    this.#clock.clearTimeout(this.#timer);
  }

  #watch(): void {
    this.#clock.clearTimeout(this.#timer);
    const dueAt = this.#heap.nextDueAt();
    this.#firesAt = dueAt ?? Number.POSITIVE_INFINITY;
    this.#timer =
      dueAt === undefined ? undefined : this.#clock.setTimeout(() => this.#fire(), dueAt - this.#clock.monotonic());
  }

  #fire(): void {
    const now = this.#clock.monotonic();
    const due: StoredMessage[] = [];
    for (let next = this.#heap.shiftDue(now); next !== undefined; next = this.#heap.shiftDue(now)) due.push(next);
    this.#watch();
    this.#onDue(due);
  }
}
