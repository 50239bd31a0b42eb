/** Lines with the same error of a task that are printed within `WINDOW_MS`; further ones are counted. */
const PRINTED = 5;
const WINDOW_MS = 10_000;
/** Bound of the memory for hostile error messages. */
const MOST_ERRORS = 1_000;

interface Repetition {
  readonly since: number;
  readonly text: string;
  count: number;
}

/** Limits the lines of an error that repeats. Times are those of the log lines, in milliseconds. */
export class RepeatedErrors {
  readonly #errors = new Map<string, Repetition>();
  #sweptAt = 0;

  /** Counts an error. @returns whether its line is printed */
  isPrinted(text: string, now: number): boolean {
    const known = this.#errors.get(text);
    if (known === undefined || now - known.since >= WINDOW_MS) {
      if (this.#errors.size >= MOST_ERRORS) return true;
      this.#errors.set(text, { since: now, text, count: 1 });
      return true;
    }
    known.count++;
    if (known.count <= PRINTED) return true;
    return false;
  }

  /** The errors whose lines were not printed, and how many, once their time has passed or `isLast`. */
  takeHidden(now: number, isLast: boolean): readonly { readonly text: string; readonly count: number }[] {
    if (!isLast && now - this.#sweptAt < WINDOW_MS / 10) return [];
    this.#sweptAt = now;
    const hidden: { text: string; count: number }[] = [];
    for (const [key, { since, text, count }] of this.#errors) {
      if (!isLast && now - since < WINDOW_MS) continue;
      this.#errors.delete(key);
      if (count > PRINTED) hidden.push({ text, count: count - PRINTED });
    }
    return hidden;
  }
}
