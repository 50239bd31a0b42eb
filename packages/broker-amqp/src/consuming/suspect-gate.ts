/** Longest time to close for a return. It takes milliseconds, or seconds on a server whose disk is busy. */
const LONGEST_CLOSED_MS = 5_000;
/** While it is closed: how often it asks whether the server accepts messages. */
const ASK_EVERY_MS = 250;

/**
 * Admits messages to a worker, whose consumers share it. A suspect is fetched only if they hold no message, and nothing is
 * received beside it: a message that only waited in a worker must not be charged with the crash of another one.
 */
export class SuspectGate {
  #held = 0;
  #reservedBy: object | undefined;
  #isOccupied = false;
  #closedBy = 0;

  get isEmpty(): boolean {
    return this.#held === 0;
  }

  /** Whether messages are being returned that were delivered before. */
  get isReturning(): boolean {
    return this.#closedBy > 0;
  }

  /** Whether no message may be received now. */
  get isClosed(): boolean {
    return this.#reservedBy !== undefined || this.isReturning;
  }

  /**
   * Blocks `receive` until messages that were delivered before are returned. A handler that blocks the thread in
   * between would leave a copy and its original: after such a break, all messages of a worker are returned. If the server
   * accepts no messages, `receive` goes on: the workers end an alarm, or make room in a full queue.
   */
  async closeFor(giveBack: (onRefused: () => void) => Promise<void>, isBlocked: () => boolean): Promise<void> {
    this.#closedBy++;
    await new Promise<void>((resolve) => {
      const openAt = performance.now() + LONGEST_CLOSED_MS;
      const asking = setInterval(() => {
        if (isBlocked() || performance.now() >= openAt) end();
      }, ASK_EVERY_MS);
      const end = () => {
        clearInterval(asking);
        resolve();
      };
      void giveBack(end).then(end);
    });
    this.#closedBy--;
  }

  /** Returns false if another consumer was first. */
  reserve(consumer: object): boolean {
    this.#reservedBy ??= consumer;
    return this.#reservedBy === consumer;
  }

  isReservedBy(consumer: object): boolean {
    return this.#reservedBy === consumer;
  }

  /** A suspect was received: the reservation ends when it is settled. */
  occupy(): void {
    this.#isOccupied = true;
  }

  /** Ends a reservation for which there was no suspect. */
  free(consumer: object): void {
    if (this.#reservedBy === consumer && !this.#isOccupied) this.#reservedBy = undefined;
  }

  /** Counts a message that the worker holds. */
  hold(): void {
    this.#held++;
  }

  /** Counts a message that the worker holds no longer. A suspect was the only one: it has ended. */
  drop(): void {
    this.#held--;
    if (this.#held > 0 || !this.#isOccupied) return;
    this.#isOccupied = false;
    this.#reservedBy = undefined;
  }
}
