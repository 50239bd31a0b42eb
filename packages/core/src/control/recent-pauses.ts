import { readLane } from '../broker/lane-names.ts';
import type { Clock } from '../clock/clock.ts';
import type { PauseFlags } from './pause-flags.ts';

/** For how long an answer is used, in milliseconds. */
const FRESH_MS = 1_000;

interface Answer {
  readonly isPaused: Promise<boolean>;
  readonly askedAt: number;
}

/** Whether queues are paused that another worker may serve. A queue is read at most once a second. */
export class RecentPauses {
  readonly #flags: PauseFlags;
  readonly #clock: Clock;
  /** In the order of the reads. */
  readonly #answers = new Map<string, Answer>();

  constructor(flags: PauseFlags, clock: Clock) {
    this.#flags = flags;
    this.#clock = clock;
  }

  /**
   * @param name a queue or one of its lanes
   * @returns `false` also if it cannot be read: a worker that serves the queue decides for itself
   */
  isPaused(name: string): Promise<boolean> {
    const { queue } = readLane(name);
    const now = this.#clock.monotonic();
    for (const [known, { askedAt }] of this.#answers) {
      if (now - askedAt < FRESH_MS) break;
      this.#answers.delete(known);
    }
    const known = this.#answers.get(queue);
    if (known !== undefined) return known.isPaused;
    const isPaused = this.#flags.pausedSince(queue).then(
      (since) => since !== undefined,
      () => false,
    );
    this.#answers.set(queue, { isPaused, askedAt: now });
    return isPaused;
  }
}
