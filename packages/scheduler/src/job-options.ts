import type { Duration, Send } from '@brokkr/core';

/** A cron field: a number, or cron's own notation (`'mon-fri'`, `'9-17'`, `'*' + '/15'`). */
export type CronField = number | string;

export interface CronFields {
  readonly year?: CronField | undefined;
  /** 1 to 12, or `jan` to `dec`. */
  readonly month?: CronField | undefined;
  /** Day of the month, 1 to 31, or `L` for the last. */
  readonly day?: CronField | undefined;
  /** 0 to 7 (0 and 7 are Sunday), or `mon` to `sun`. With `day` given too, both have to fit. */
  readonly dayOfWeek?: CronField | undefined;
  readonly hour?: CronField | undefined;
  readonly minute?: CronField | undefined;
  readonly second?: CronField | undefined;
}

export interface IntervalFields {
  readonly weeks?: number | undefined;
  readonly days?: number | undefined;
  readonly hours?: number | undefined;
  readonly minutes?: number | undefined;
  readonly seconds?: number | undefined;
}

/** A cron line of five fields, or six with seconds first. */
type CronLine = `${string} ${string} ${string} ${string} ${string}`;

/** When a job is due. */
export type TriggerOptions =
  | ({ readonly trigger: 'cron'; readonly cronLine?: undefined } & CronFields)
  | { readonly trigger: 'cron'; readonly cronLine: string }
  | { readonly trigger: CronLine }
  | ({ readonly trigger: 'interval' } & IntervalFields)
  | { readonly trigger: 'date'; readonly runDate: Date };

export interface CommonOptions {
  /** Zone of the calendar, such as `Europe/Vienna`. @default the host's */
  readonly timezone?: string | undefined;
  /** No tick before it; intervals count from it. @default none, and intervals count from the Unix epoch */
  readonly start?: Date | undefined;
  /** No tick after it. @default none */
  readonly end?: Date | undefined;
  /** Each tick is late by up to this, the same for every scheduler. @default 0 */
  readonly jitter?: Duration | undefined;
  /** Of several ticks that were missed and may still be sent, send the last only. @default true */
  readonly coalesce?: boolean | undefined;
  /** How late a tick may be sent; a later one is counted as missed. @default 60 s */
  readonly misfireGraceTime?: Duration | undefined;
  /** `skip`: no tick while the message of the one before has not ended; needs a broker that keeps state. @default allow */
  readonly overlap?: 'allow' | 'skip' | undefined;
  /** Take the place of a job with this id, in place of refusing. @default false */
  readonly replaceExisting?: boolean | undefined;
}

type ArgsOption<A extends readonly unknown[]> = [] extends A
  ? { readonly args?: Readonly<A> | undefined }
  : { readonly args: Readonly<A> };

/** A job: which task is sent, with which arguments, and when. */
export type JobOptions<A extends readonly unknown[] = readonly unknown[]> = {
  /** Its name: the same in every process and at every start. */
  readonly id: string;
  /** A task's `send`, or `with(…).send`. */
  readonly func: Send<A, unknown>;
} & ArgsOption<A> &
  TriggerOptions &
  CommonOptions;

/** A job that was added. */
export interface Job {
  readonly id: string;
  readonly taskName: string;
  /** The trigger in words. */
  readonly trigger: string;
  readonly timezone: string;
  readonly paused: boolean;
  /** `undefined` where it will not fire again. */
  readonly nextRunAt: Date | undefined;
  /** Ticks that could not be sent in time since this scheduler started. */
  readonly missed: number;
  /** The next `count` ticks, the first one after now. */
  nextRuns(count: number): readonly Date[];
}
