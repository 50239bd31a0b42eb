import type { Logger } from 'pino';
import type { Clock, TimerHandle } from '../clock/clock.ts';
import type { OutcomeCounts, Stats } from './stats.ts';

const PERIOD_MS = 60_000;

/** Logs the counts of a worker in one line a minute. A minute in which nothing ended has no line. */
export class StatsLine {
  readonly #stats: Stats;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #running: () => number;
  #logged: Readonly<OutcomeCounts>;
  #timer: TimerHandle | undefined;
  #isStopped = false;

  constructor(stats: Stats, clock: Clock, logger: Logger, running: () => number) {
    this.#stats = stats;
    this.#clock = clock;
    this.#logger = logger;
    this.#running = running;
    this.#logged = stats.outcomes();
  }

  /** To be called after a count. After `stop` it has no effect: an answer that comes late must not keep the process alive. */
  arm(): void {
    if (!this.#isStopped) this.#timer ??= this.#clock.setTimeout(() => this.#log(), PERIOD_MS);
  }

  /** Logs the counts since the last line. */
  stop(): void {
    this.#isStopped = true;
    this.#clock.clearTimeout(this.#timer);
    this.#log();
  }

  #log(): void {
    this.#timer = undefined;
    const before = this.#logged;
    const now = this.#stats.outcomes();
    this.#logged = now;
    const counts = {
      succeeded: now.succeeded - before.succeeded,
      retrying: now.retried - before.retried,
      dead: now.dead - before.dead,
      expired: now.expired - before.expired,
      cancelled: now.cancelled - before.cancelled,
      leaseLost: now.lease_lost - before.lease_lost,
    };
    if (Object.values(counts).every((count) => count === 0)) return;
    this.#logger.info({ ...counts, running: this.#running() }, 'tasks in the last minute');
  }
}
