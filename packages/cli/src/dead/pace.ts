import { setTimeout as sleep } from 'node:timers/promises';

const LARGEST_BATCH = 500;
/** Batches a second: few letters at a time arrive evenly at the workers. */
const BATCHES_A_SECOND = 5;

/** Limits how many letters are changed in a second, over all queues of a command. */
export class Pace {
  /** Letters that one step changes. */
  readonly batch: number;
  /** Aborts when the command is to stop. */
  readonly signal: AbortSignal;
  /** Letters that were changed in the queues before. */
  done = 0;
  readonly #startedAt = performance.now();
  readonly #rate: number | undefined;

  /** @param rate letters a second; without it, as many as the server takes */
  constructor(rate: number | undefined, limit: number | undefined, signal: AbortSignal) {
    const perStep = rate === undefined ? LARGEST_BATCH : Math.ceil(rate / BATCHES_A_SECOND);
    this.batch = Math.min(LARGEST_BATCH, perStep, limit ?? LARGEST_BATCH);
    this.#rate = rate;
    this.signal = signal;
  }

  get isStopped(): boolean {
    return this.signal.aborted;
  }

  /** Waits until `done` letters may have been changed since the start. */
  async wait(done: number): Promise<void> {
    if (this.#rate === undefined) return;
    const waitMs = this.#startedAt + (done / this.#rate) * 1_000 - performance.now();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal: this.signal }).catch(() => undefined);
  }
}
