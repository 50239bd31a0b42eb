/** Most of the messages go to other workers: an id that is not seen again soon is not worth its memory. */
const MOST_IDS = 10_000;

/** Ids of messages that this process had when a connection broke: their next delivery does not count as a crash. */
export class IdsAtBreak {
  readonly #ids = new Set<string>();

  add(id: string): void {
    if (this.#ids.size >= MOST_IDS) this.#ids.clear();
    this.#ids.add(id);
  }

  /** Returns whether the id was known, and forgets it. */
  take(id: string): boolean {
    return this.#ids.delete(id);
  }
}
