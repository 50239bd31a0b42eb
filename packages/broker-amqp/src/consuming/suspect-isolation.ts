/**
 * What all consumers of one worker hold together. A suspect is fetched when that is nothing, and nothing is handed out
 * beside it: a message that only waited in a worker must not be charged when that worker dies of another.
 */
export class SuspectIsolation {
  #held = 0;
  #reservedBy: object | undefined;
  #isOccupied = false;

  get isEmpty(): boolean {
    return this.#held === 0;
  }

  /** Somebody waits until it is empty, or has it for a suspect alone. */
  get isReserved(): boolean {
    return this.#reservedBy !== undefined;
  }

  /** False where somebody else was first. */
  reserve(who: object): boolean {
    this.#reservedBy ??= who;
    return this.#reservedBy === who;
  }

  isReservedBy(who: object): boolean {
    return this.#reservedBy === who;
  }

  /** A suspect is handed out: the reservation ends when it has left. */
  occupy(): void {
    this.#isOccupied = true;
  }

  /** Gives up a reservation that has not come to a suspect. */
  free(who: object): void {
    if (this.#reservedBy === who && !this.#isOccupied) this.#reservedBy = undefined;
  }

  enter(): void {
    this.#held++;
  }

  leave(): void {
    this.#held--;
    if (this.#held > 0 || !this.#isOccupied) return;
    this.#isOccupied = false;
    this.#reservedBy = undefined;
  }
}
