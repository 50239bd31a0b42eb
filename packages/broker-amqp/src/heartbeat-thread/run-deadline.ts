import type { LoopGuard } from '@brokkr/core/adapter';

/** A run, and when it must have ended; 0 if it has not started. */
export interface Run {
  runsUntil: number;
}

/** When the last run of a subscription must have ended, in memory that a thread reads. */
export class RunDeadline {
  readonly memory = new Float64Array(new SharedArrayBuffer(8));
  readonly #guard: LoopGuard;
  #latest = 0;

  constructor(guard: LoopGuard) {
    this.#guard = guard;
  }

  started(run: Run, until: number): void {
    run.runsUntil = this.#guard.started(until);
    if (run.runsUntil >= this.#latest) this.#set(run.runsUntil);
  }

  /** @param left the runs that go on. They are looked through only if the one with the latest deadline has ended. */
  ended({ runsUntil }: Run, left: Iterable<Run>): void {
    if (runsUntil === 0 || runsUntil < this.#latest) return;
    let latest = 0;
    for (const run of left) latest = Math.max(latest, run.runsUntil);
    this.#set(latest);
  }

  #set(latest: number): void {
    this.#latest = latest;
    this.memory[0] = latest;
  }
}
