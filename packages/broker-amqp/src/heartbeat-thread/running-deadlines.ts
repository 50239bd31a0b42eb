/** When the last of some runs must have ended. Adding a later deadline, and removing any but the last, costs little. */
export class RunningDeadlines<T> {
  readonly #deadlines = new Map<T, number>();
  #latest = 0;

  get latest(): number {
    return this.#latest;
  }

  add(run: T, deadline: number): void {
    this.#deadlines.set(run, deadline);
    if (deadline > this.#latest) this.#latest = deadline;
  }

  remove(run: T): void {
    const deadline = this.#deadlines.get(run);
    if (deadline === undefined) return;
    this.#deadlines.delete(run);
    if (deadline < this.#latest) return;
    this.#latest = 0;
    for (const left of this.#deadlines.values()) this.#latest = Math.max(this.#latest, left);
  }
}
