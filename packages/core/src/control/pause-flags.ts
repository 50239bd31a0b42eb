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

  /**
   * As `pausedOf`, for a look at queues that can go on without their pauses.
   * @returns the error instead if the broker answers, but the pauses cannot be read: another client overwrote them, or the
   * user has no right to them
   */
  async tryPausedOf(queues: readonly string[]): Promise<ReadonlySet<string> | Error> {
    try {
      return await this.pausedOf(queues);
    } catch (error) {
      if (error instanceof Error && PauseFlags.areUnreadable(error)) return error;
      throw error;
    }
  }

  /** Whether an error concerns the pauses alone: other calls of the broker succeed. */
  static areUnreadable(error: unknown): boolean {
    return UNREADABLE.has((error as { code?: unknown }).code);
  }
}

const UNREADABLE: ReadonlySet<unknown> = new Set(['KEY_SPOILED', 'QUEUE_REFUSED']);

function keyOf(queue: string): string {
  return `paused:${queue}`;
}
