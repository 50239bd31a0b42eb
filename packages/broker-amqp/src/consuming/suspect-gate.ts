/**
 * Longest time to close for a return, which takes milliseconds. If the server accepts no messages, its workers must
 * continue, because they end an alarm.
 */
const LONGEST_CLOSED_MS = 500;

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

  /** Whether no message may be received now. */
  get isClosed(): boolean {
    return this.#reservedBy !== undefined || this.#closedBy > 0;
  }

  /**
   * Blocks `receive` until messages that were delivered before are returned. A handler that blocks the thread in
   * between would leave a copy and its original: after such a break, all messages of a worker are returned.
   */
  async closeFor(givingBack: Promise<void>): Promise<void> {
    this.#closedBy++;
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LONGEST_CLOSED_MS);
    });
    await Promise.race([givingBack, tooLong]);
    clearTimeout(timer);
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
