import { types } from 'node:util';
import { cronFieldsTrigger, cronLineTrigger } from './cron-trigger.ts';
import { mustBe, wrong } from './job-error.ts';
import type { CommonOptions, CronFields, IntervalFields, TriggerOptions } from './job-options.ts';
import { BoundedTrigger, DateTrigger, IntervalTrigger } from './simple-triggers.ts';
import type { Trigger } from './trigger.ts';

export const CRON_FIELDS = ['year', 'month', 'day', 'dayOfWeek', 'hour', 'minute', 'second'] as const;
export const INTERVAL_MS = {
  weeks: 604_800_000,
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1_000,
} as const;
const LONGEST_INTERVAL_MS = 100 * 365 * 86_400_000;

/** Makes the trigger of a job. @throws ConfigError (`JOB_INVALID`) that names job and field */
export function triggerOf(id: string, options: TriggerOptions & CommonOptions, timezone: string): Trigger {
  const start = date(id, 'start', options.start);
  const end = date(id, 'end', options.end);
  if (start !== undefined && end !== undefined && end < start) {
    throw wrong(id, 'end', `must not be before start, ${written(start)}; got ${written(end)}`);
  }
  const trigger = unbounded(id, options, timezone, start);
  if (start === undefined && end === undefined) return trigger;
  const bounded = new BoundedTrigger(trigger, start ?? Number.NEGATIVE_INFINITY, end ?? Number.POSITIVE_INFINITY);
  if (trigger.isOnce && bounded.next(Number.NEGATIVE_INFINITY) === undefined) {
    throw wrong(id, 'runDate', 'must be within start and end');
  }
  return bounded;
}

function unbounded(id: string, options: TriggerOptions, timezone: string, start: number | undefined): Trigger {
  if (options.trigger === 'date') {
    const at = date(id, 'runDate', options.runDate);
    if (at === undefined) throw wrong(id, 'runDate', 'is missing: give a Date');
    return new DateTrigger(at);
  }
  if (options.trigger === 'interval') return new IntervalTrigger(period(id, options as IntervalFields), start ?? 0);
  if (typeof options.trigger !== 'string' || !/^cron$| /.test(options.trigger)) {
    throw mustBe(id, 'trigger', "'cron', 'interval', 'date' or a cron line such as '0 2 * * *'", options.trigger);
  }
  const line = options.trigger === 'cron' ? (options as { cronLine?: unknown }).cronLine : options.trigger;
  const trigger = line === undefined ? fromFields(id, options as CronFields, timezone) : fromLine(id, line, timezone);
  // A line whose years have passed is valid: it had ticks. The next tick is remembered, and needed anyway.
  if (trigger.next(Date.now()) === undefined && trigger.next(0) === undefined) {
    throw wrong(id, 'trigger', `${trigger.words} has no tick: no date matches it, as with 31 February`);
  }
  return trigger;
}

function fromLine(id: string, line: unknown, timezone: string): Trigger {
  if (typeof line !== 'string') throw mustBe(id, 'cronLine', "a string such as '0 2 * * *'", line);
  const count = line.trim().split(/\s+/).length;
  if (line.length > 128 || count < 5 || count > 6) {
    throw mustBe(id, 'cronLine', 'five fields, or six with seconds first, in at most 128 characters', line);
  }
  try {
    return cronLineTrigger(line.trim(), timezone);
  } catch (cause) {
    throw wrong(id, 'cronLine', `${JSON.stringify(line)} is invalid: ${(cause as Error).message}`, cause);
  }
}

function fromFields(id: string, fields: CronFields, timezone: string): Trigger {
  const named = CRON_FIELDS.filter((field) => fields[field] !== undefined);
  if (named.length === 0) throw wrong(id, 'trigger', `'cron' needs cronLine, or one of ${CRON_FIELDS.join(', ')}`);
  for (const field of named) {
    const value: unknown = fields[field];
    const isField = typeof value === 'number' || typeof value === 'string';
    if (!isField || !/^[A-Za-z0-9*/,#?-]{1,64}$/.test(String(value))) {
      throw mustBe(id, field, "a cron field, such as 2 or '9-17'", value);
    }
  }
  try {
    return cronFieldsTrigger(fields, timezone);
  } catch (cause) {
    const field = named.find((one) => !isReadable({ [one]: fields[one] })) ?? 'trigger';
    const value = String(fields[field as keyof CronFields]);
    throw wrong(id, field, `${value} is invalid: ${(cause as Error).message}`, cause);
  }
}

function isReadable(fields: CronFields): boolean {
  try {
    cronFieldsTrigger(fields, 'UTC');
    return true;
  } catch {
    return false;
  }
}

function period(id: string, fields: IntervalFields): number {
  let ms = 0;
  for (const [field, size] of Object.entries(INTERVAL_MS)) {
    const value: unknown = fields[field as keyof IntervalFields];
    if (value === undefined) continue;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      throw mustBe(id, field, 'a number above 0', value);
    }
    ms += value * size;
  }
  if (ms < 1) {
    throw wrong(
      id,
      'seconds',
      'is missing: an interval needs weeks, days, hours, minutes or seconds, of 1 ms at least',
    );
  }
  if (ms > LONGEST_INTERVAL_MS) throw wrong(id, 'trigger', "'interval' must be at most 100 years");
  return Math.round(ms);
}

function date(id: string, field: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const at = types.isDate(value) ? value.getTime() : Number.NaN;
  if (Number.isNaN(at)) throw mustBe(id, field, 'a valid Date', value);
  return at;
}

function written(instant: number): string {
  return new Date(instant).toISOString();
}
