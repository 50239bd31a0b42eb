/**
 * Runs suspects alone. A suspect is a message that was in two crashes: it may have caused them, or only have been in the
 * same worker. Run alone, it is charged only with a crash of its own.
 *
 * A worker runs a suspect if it fetched it alone and holds nothing else. Any other worker releases it together with the
 * rest of its fetch, finishes its running tasks, and then fetches one message at a time until one arrives that is not a
 * suspect. Suspects come in groups, because the messages beside a poison message become suspects with it.
 */
export class SuspectIsolation {
  #occupied = false;
  #wary = false;

  /** Whether a suspect runs: nothing else may start or be fetched. */
  get isClosed(): boolean {
    return this.#occupied;
  }

  /** Whether messages are fetched one at a time, and only when nothing is held: the next one may be a suspect. */
  get isWary(): boolean {
    return this.#wary;
  }

  /**
   * Notes that a suspect was fetched.
   * @param alone whether it is the only message, and the worker holds no other
   * @returns whether it may run; if not, its whole fetch is released
   */
  suspectMayStart(alone: boolean): boolean {
    this.#wary = true;
    return alone;
  }

  /** Notes that a suspect starts. */
  enter(): void {
    this.#occupied = true;
  }

  /** Notes that a run has ended. */
  leave(): void {
    this.#occupied = false;
  }

  /** Notes that messages without a suspect were fetched. */
  relax(): void {
    this.#wary = false;
  }
}
