import type { ErrorBody } from './session-types.ts';

/** How many messages a queue holds. */
export interface Counts {
  readonly ready?: number;
  readonly delayed?: number;
  readonly running?: number;
  readonly dead?: number;
}

/** Times at which figures were taken that are not as of `at`. A figure that is absent here is exact. */
export interface AsOf {
  readonly delayed?: number;
  /** Running messages, if they are the sum of reports. */
  readonly running?: number;
  /** Rates, waits and run times: the oldest report in them. */
  readonly reports?: number;
}

/** A queue in a table, and the figures above its page. */
export interface QueueRow {
  readonly name: string;
  /** Left out if the broker keeps no pauses. */
  readonly paused?: boolean;
  readonly pausedAt?: number;
  readonly counts: Counts;
  readonly asOf: AsOf;
  /** Consumers that the server counts. */
  readonly consumers?: number;
  /** Workers that take its messages, by their reports: not those that are quiet or stopping. */
  readonly workers?: number;
  /** Of those, workers that obey the pause; only while it is paused. */
  readonly obeying?: number;
  /** Tasks that these workers run at once, at most. Queues of one worker share its slots. */
  readonly slots?: number;
  /** Tasks that succeeded a second, over the last minute. */
  readonly done?: number;
  /** Share of the attempts that failed in the last minute, 0 to 1. Left out if no attempt ended. */
  readonly failed?: number;
  readonly wait50?: number;
  readonly wait95?: number;
  readonly run95?: number;
  /** How long the oldest ready message has waited. Left out if no message is ready, or if the broker cannot know it (`can.oldest`). */
  readonly oldestMs?: number;
  /** Ready messages over the last hour, oldest first, one value each two minutes; `null`: not known. */
  readonly trend: readonly (number | null)[];
  readonly error?: ErrorBody['error'];
}

/** Something that a person should look at. */
export interface Warning {
  readonly severity: 'error' | 'warning';
  /** Such as `QUEUE_UNSERVED`, `DEAD_BURST`, `DEAD_CRASHED`, `WORKER_SILENT`, or the code of a finding of `brokkr doctor`. */
  readonly code: string;
  readonly message: string;
  readonly queue?: string;
  readonly task?: string;
  /** The group of a burst of one error, as in `DeadGroup.error`. */
  readonly error?: string;
  readonly count?: number;
  /** The message of `DEAD_CRASHED`, which died at `since`. */
  readonly id?: string;
  /** The worker of `WORKER_SILENT`, whose last report is of `since`. */
  readonly worker?: string;
  readonly since?: number;
}

/** Sums over the queues that the user sees, and what a person should look at. */
export interface Overview {
  readonly at: number;
  /** Since when the dashboard has looked at the broker without a gap of a minute. Left out if the broker never answered. */
  readonly lookedSince?: number;
  readonly queues?: number;
  readonly paused?: number;
  readonly counts: Counts;
  readonly asOf: AsOf;
  /** Ready messages of paused queues. */
  readonly readyPaused?: number;
  readonly workers?: number;
  readonly slots?: number;
  readonly done?: number;
  readonly failed?: number;
  readonly wait50?: number;
  readonly wait95?: number;
  readonly oldestMs?: number;
  readonly oldestQueue?: string;
  /** Dead letters more than an hour ago, or than at `deadSince`: negative if there are fewer. */
  readonly deadAdded?: number;
  /** The time that `deadAdded` and `deadNew` begin at. Left out if that is an hour ago. */
  readonly deadSince?: number;
  /** How many letters died in that time, at least. Left out if the dashboard did not look all the time. */
  readonly deadNew?: number;
  readonly warnings: readonly Warning[];
  readonly error?: ErrorBody['error'];
}

/** Columns of equal length, oldest first. `null`: not known. */
export interface History {
  readonly at: number;
  /** Where history begins: the start of this dashboard, if it is younger than asked. */
  readonly since: number;
  /** Seconds that one row covers. */
  readonly step: number;
  /** Begin of each row. The last row is not complete. */
  readonly t: readonly number[];
  readonly done: readonly (number | null)[];
  readonly failed: readonly (number | null)[];
  readonly ready: readonly (number | null)[];
  readonly delayed: readonly (number | null)[];
  readonly dead: readonly (number | null)[];
  readonly wait50: readonly (number | null)[];
  readonly wait95: readonly (number | null)[];
  readonly run95: readonly (number | null)[];
}

/** A job of a scheduler. */
export interface ScheduleRow {
  readonly id: string;
  /** Name of its scheduler. */
  readonly scheduler: string;
  readonly task: string;
  /** For people: `cron 0 2 * * *`, `every 5 m`. */
  readonly trigger: string;
  readonly timezone?: string;
  readonly paused: boolean;
  /** Up to five, soonest first. */
  readonly next: readonly number[];
  /** The last tick that a scheduler has sent or passed over. Left out if it is not known. */
  readonly lastAt?: number;
}
