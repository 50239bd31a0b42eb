import type { StateStore } from '../broker/state-store.ts';

/**
 * The queues that are paused, kept by the broker under `paused:<queue>`: a pause survives restarts of every process. The
 * value is the time of the pause, epoch milliseconds.
 */
export class PauseFlags {
  readonly #states: StateStore;

  constructor(states: StateStore) {
    this.#states = states;
  }

  /** @returns when the queue was paused, epoch milliseconds; `undefined` if it is not paused */
  async pausedSince(queue: string): Promise<number | undefined> {
    const value = await this.#states.get(keyOf(queue));
    if (value === undefined) return undefined;
    const since = Number(value);
    // A value of another program still pauses: to run messages of a paused queue is the worse mistake.
    return Number.isFinite(since) ? since : 0;
  }

  async pause(queue: string, now: number): Promise<void> {
    await this.#states.set(keyOf(queue), String(now));
  }

  async resume(queue: string): Promise<void> {
    await this.#states.set(keyOf(queue), undefined);
  }

  /** The paused ones of `queues`. The calls of one turn of the event loop are one round trip, if the broker batches. */
  async pausedOf(queues: readonly string[]): Promise<ReadonlySet<string>> {
    const since = await Promise.all(queues.map((queue) => this.pausedSince(queue)));
    return new Set(queues.filter((_, index) => since[index] !== undefined));
  }
}

function keyOf(queue: string): string {
  return `paused:${queue}`;
}
