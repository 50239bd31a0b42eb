import type { Duration, Send } from '@brokkr/core';

/** A cron field: a number, or a string in cron's notation, such as `'mon-fri'`, `'9-17'` or `'*' + '/15'`. */
export type CronField = number | string;

export interface CronFields {
  readonly year?: CronField | undefined;
  /** 1 to 12, or `jan` to `dec`. */
  readonly month?: CronField | undefined;
  /** Day of the month, 1 to 31, or `L` for the last. */
  readonly day?: CronField | undefined;
  /** 0 to 7 (0 and 7 are Sunday), or `mon` to `sun`. If `day` is given too, both must match. */
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

/** The trigger of a job: when it is due. */
export type TriggerOptions =
  | ({ readonly trigger: 'cron'; readonly cronLine?: undefined } & CronFields)
  | { readonly trigger: 'cron'; readonly cronLine: string }
  | { readonly trigger: CronLine }
  | ({ readonly trigger: 'interval' } & IntervalFields)
  | { readonly trigger: 'date'; readonly runDate: Date };

export interface CommonOptions {
  /** Time zone of a cron trigger, such as `Europe/Vienna`. @default the time zone of the host */
  readonly timezone?: string | undefined;
  /** There is no tick before it, and intervals count from it. @default none; intervals count from the Unix epoch */
  readonly start?: Date | undefined;
  /** There is no tick after it. @default none */
  readonly end?: Date | undefined;
  /** Delays each tick by a random part of this, equal in every scheduler. @default 0 */
  readonly jitter?: Duration | undefined;
  /** If several ticks are late and still in time, sends only the last of them. @default true */
  readonly coalesce?: boolean | undefined;
  /** How late a tick may be sent. A later one counts as missed. @default 60 s */
  readonly misfireGraceTime?: Duration | undefined;
  /**
   * `skip`: skips a tick if the message of the last one has not ended. It needs a broker that stores states.
   * @default allow
   */
  readonly overlap?: 'allow' | 'skip' | undefined;
  /** Replaces a job with this id, if there is one. Otherwise `addJob` throws then. @default false */
  readonly replaceExisting?: boolean | undefined;
}

type ArgsOption<A extends readonly unknown[]> = [] extends A
  ? { readonly args?: Readonly<A> | undefined }
  : { readonly args: Readonly<A> };

/** A job: the task to send, its arguments, and its trigger. */
export type JobOptions<A extends readonly unknown[] = readonly unknown[]> = {
  /** Id of the job: 1 to 120 visible characters, the same in every process and at every start. */
  readonly id: string;
  /** The `send` of a task, such as `report.send` or `report.with({ … }).send`. */
  readonly func: Send<A, unknown>;
} & ArgsOption<A> &
  TriggerOptions &
  CommonOptions;

/** A job of a scheduler. */
export interface Job {
  readonly id: string;
  readonly taskName: string;
  /** The trigger in words. */
  readonly trigger: string;
  readonly timezone: string;
  readonly paused: boolean;
  /** The next tick; `undefined` if the job is paused, or has no further tick. */
  readonly nextRunAt: Date | undefined;
  /**
   * The last tick that any scheduler has sent or passed over, by the state that was read last; `undefined` if it is not
   * known, such as for a new job.
   */
  readonly lastTickAt: Date | undefined;
  /** Number of ticks that were not sent in time, since this scheduler was started. */
  readonly missed: number;
  /** Returns the next `count` ticks. */
  nextRuns(count: number): readonly Date[];
}
