// From the module: tests that fake timers replace the global function.
import { setImmediate } from 'node:timers';

/** Places in the shared memory. */
const LATEST = 0;
const STARTING = 1;

/**
 * How long the event loop may be blocked, in memory that a thread reads. If a handler blocks it before this turn of the
 * loop ends, that handler is the one that started last, and its deadline is the limit. Otherwise any of the running
 * handlers may be the one, and the limit is the latest of their deadlines.
 */
export class BlockLimit<T> {
  readonly memory = new Float64Array(new SharedArrayBuffer(16));
  readonly #deadlines = new Map<T, number>();
  #latest = 0;
  #isClearing = false;

  /** A handler starts, which must have ended by `deadline`. */
  started(run: T, deadline: number): void {
    this.#deadlines.set(run, deadline);
    if (deadline > this.#latest) this.#setLatest(deadline);
    this.memory[STARTING] = deadline;
    if (this.#isClearing) return;
    this.#isClearing = true;
    setImmediate(() => {
      this.#isClearing = false;
      this.memory[STARTING] = 0;
    });
  }

  ended(run: T): void {
    const deadline = this.#deadlines.get(run);
    if (deadline === undefined) return;
    this.#deadlines.delete(run);
    if (deadline < this.#latest) return;
    let latest = 0;
    for (const left of this.#deadlines.values()) latest = Math.max(latest, left);
    this.#setLatest(latest);
  }

  #setLatest(deadline: number): void {
    this.#latest = deadline;
    this.memory[LATEST] = deadline;
  }
}
