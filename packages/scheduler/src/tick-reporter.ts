import type { TaskManager } from '@brokkr/core';
import type { Clock, TimerHandle } from '@brokkr/core/adapter';

/** Ticks that are missed within this time are reported in one line. */
const GATHER_MS = 1_000;
/** Longest time before that line, while further ticks are missed. */
const LONGEST_GATHER_MS = 10_000;
const MOST_NAMED = 10;

/** Each reason has a line of its own. */
type Reason = 'late' | 'refused' | 'repeated';

const LATE = 'due longer ago than misfireGraceTime';
const REFUSED = 'the task or the broker refuses it';
const REPEATED =
  'the last tick lies in the future: the clock of this host went back, or that of another host was wrong. Jobs continue at the time of this host, and ticks up to the last one may be sent twice';

interface Gathered {
  readonly jobs: Set<string>;
  count: number;
  /** Whether ticks were passed over without being counted. */
  isAtLeast: boolean;
  from: number;
  to: number;
  /** The first error of an refused tick. */
  error: unknown;
}

/**
 * Reports missed and repeated ticks in one line for all jobs. Without it, a machine that slept for an hour would log 3,600
 * lines for a job of every second.
 */
export class TickReporter {
  readonly #manager: TaskManager;
  readonly #clock: Clock;
  readonly #gathered = new Map<Reason, Gathered>();
  #timer: TimerHandle;
  #since = 0;
  #hasGrown = false;
  #hasWarned = false;

  constructor(manager: TaskManager, clock: Clock) {
    this.#manager = manager;
    this.#clock = clock;
  }

  /** Notes ticks that are too late, oldest first. */
  late(job: string, ticks: readonly number[]): void {
    const [from, to] = [ticks[0], ticks.at(-1)];
    if (from !== undefined && to !== undefined) this.#add('late', job, from, to, ticks.length);
  }

  /** Notes that ticks between two instants are too late, and were not counted. */
  uncounted(job: string, from: number, to: number): void {
    this.#add('late', job, from, to, 0).isAtLeast = true;
  }

  /** Notes a tick that can never be sent. */
  refused(job: string, tick: number, error: unknown): void {
    this.#add('refused', job, tick, tick, 1).error ??= error;
  }

  /** Notes that a job goes on by the time of this host, although its last tick lies in the future. */
  repeated(job: string, last: number): void {
    this.#add('repeated', job, last, last, 0);
  }

  /** Reports that the clock of this host went back. The repeated ticks that follow are not worth another warning. */
  clockWentBack(seconds: number): void {
    this.#hasWarned = true;
    const message = 'the clock of this host went back: jobs with a shorter interval continue at the new time';
    this.#manager.logger.warn({ seconds }, message);
  }

  /** Reports everything noted so far. */
  flush(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [reason, gathered] of this.#gathered) this.#report(reason, gathered);
    this.#gathered.clear();
  }

  #add(reason: Reason, job: string, from: number, to: number, count: number): Gathered {
    let gathered = this.#gathered.get(reason);
    if (gathered === undefined) {
      gathered = { jobs: new Set(), count: 0, isAtLeast: false, from, to, error: undefined };
      this.#gathered.set(reason, gathered);
    }
    gathered.jobs.add(job);
    gathered.count += count;
    gathered.from = Math.min(gathered.from, from);
    gathered.to = Math.max(gathered.to, to);
    this.#hasGrown = true;
    if (this.#timer === undefined) {
      this.#since = this.#clock.monotonic();
      this.#wait();
    }
    return gathered;
  }

  #wait(): void {
    this.#hasGrown = false;
    this.#timer = this.#clock.setTimeout(() => {
      if (this.#hasGrown && this.#clock.monotonic() - this.#since < LONGEST_GATHER_MS) this.#wait();
      else this.flush();
    }, GATHER_MS);
  }

  #report(reason: Reason, gathered: Gathered): void {
    const { logger } = this.#manager;
    const { jobs, to, error } = gathered;
    const [job] = jobs;
    const named = jobs.size === 1 ? { job } : { jobs: [...jobs].slice(0, MOST_NAMED) };
    if (reason === 'repeated') logger[this.#hasWarned ? 'info' : 'warn']({ ...named, last: written(to) }, REPEATED);
    else if (reason === 'late') logger.warn({ ...named, ...span(gathered) }, `${headline(gathered)}: ${LATE}`);
    else logger.error({ ...named, ...span(gathered), error }, `${headline(gathered)}: ${REFUSED}`);
  }
}

function span({ count, from, to }: Gathered): object {
  return count === 1 ? { tick: written(from) } : { ticks: count, from: written(from), to: written(to) };
}

function headline({ count, isAtLeast, jobs }: Gathered): string {
  const ticks = count === 1 ? 'tick missed' : `${isAtLeast ? 'at least ' : ''}${count} ticks missed`;
  return jobs.size === 1 ? ticks : `${ticks} by ${jobs.size} jobs`;
}

function written(instant: number): string {
  return new Date(instant).toISOString();
}
