/** Upper bounds of the duration classes, in seconds. One more class holds longer durations. */
export const DURATION_BOUNDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
] as const satisfies readonly number[];

const BOUNDS_MS = DURATION_BOUNDS.map((seconds) => seconds * 1_000);

/** One duration of a class, and the trace it belongs to. */
export interface Exemplar {
  readonly traceId: string;
  readonly ms: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Counts durations by class. */
export class Durations {
  sumMs = 0;
  /** One number for each of `DURATION_BOUNDS`, and one more for longer durations. Not cumulative. */
  readonly counts: number[] = new Array(BOUNDS_MS.length + 1).fill(0);
  /** The last one of each class, if its message has a trace. */
  #exemplars: (Exemplar | undefined)[] | undefined;

  get exemplars(): readonly (Exemplar | undefined)[] {
    return this.#exemplars ?? [];
  }

  /** How many durations were counted. */
  get total(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  observe(ms: number): void {
    this.sumMs += ms;
    (this.counts[classOf(ms)] as number)++;
  }

  /** Remembers an exemplar for the class of its duration. */
  exemplify(exemplar: Exemplar): void {
    this.#exemplars ??= [];
    this.#exemplars[classOf(exemplar.ms)] = exemplar;
  }

  add(other: Durations): void {
    this.sumMs += other.sumMs;
    for (const [index, count] of other.counts.entries()) (this.counts[index] as number) += count;
    for (const exemplar of other.exemplars) if (exemplar !== undefined) this.exemplify(exemplar);
  }
}

function classOf(ms: number): number {
  let index = 0;
  // Most tasks are short: the first classes decide.
  while (index < BOUNDS_MS.length && ms > (BOUNDS_MS[index] as number)) index++;
  return index;
}
