/**
 * The rule that a suspect shares its worker with nobody, not even while it waits, so that only what it does alone is
 * charged to it. Only a worker that holds nothing else keeps one. Any other hands it back at once with all that came
 * with it, finishes what it holds, and then fetches one by one until an innocent message comes, since suspects come in
 * crowds: all neighbors of a poison message are.
 */
export class SuspectIsolation {
  #occupied = false;
  #wary = false;

  /** A suspect runs: nothing else may start or be fetched. */
  get isClosed(): boolean {
    return this.#occupied;
  }

  /** One at a time, once everything is finished: what is fetched next may be a suspect. */
  get isWary(): boolean {
    return this.#wary;
  }

  /** A suspect came, alone or in company; whether anything of what came may run. */
  admit(alone: boolean): boolean {
    this.#wary = true;
    return alone;
  }

  /** The suspect runs. */
  enter(): void {
    this.#occupied = true;
  }

  /** The suspect has run. */
  leave(): void {
    this.#occupied = false;
  }

  /** An innocent message came. */
  relax(): void {
    this.#wary = false;
  }
}
