import { ConfigError, type Send } from '@brokkr/core';
import { toMs } from '@brokkr/core/adapter';
import { cronFieldsTrigger, cronLineTrigger } from './cron-trigger.ts';
import type { CommonOptions, CronFields, IntervalFields, TriggerOptions } from './job-options.ts';
import { BoundedTrigger, DateTrigger, IntervalTrigger } from './simple-triggers.ts';
import type { Trigger } from './trigger.ts';

type AnySend = Send<readonly unknown[], unknown>;

/** A job whose every option was found right. */
export interface JobDefinition {
  readonly id: string;
  readonly send: AnySend;
  readonly args: readonly unknown[];
  readonly trigger: Trigger;
  readonly timezone: string;
  readonly jitterMs: number;
  readonly coalesce: boolean;
  readonly graceMs: number;
  readonly overlap: 'allow' | 'skip';
}

/** Options as they arrive, from TypeScript or not. */
export interface GivenJob extends CommonOptions {
  readonly id?: unknown;
  readonly func?: unknown;
  readonly args?: unknown;
  readonly trigger?: unknown;
  readonly cronLine?: unknown;
}

const CRON_FIELDS = ['year', 'month', 'day', 'dayOfWeek', 'hour', 'minute', 'second'] as const;
const INTERVAL_MS = {
  weeks: 604_800_000,
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1_000,
} as const;
const JOB = ['id', 'func', 'args', 'jitter', 'coalesce', 'misfireGraceTime', 'overlap', 'replaceExisting'];
const BOUNDS = ['trigger', 'timezone', 'start', 'end'];
const INTERVAL_FIELDS = Object.keys(INTERVAL_MS);
/** What each trigger is described by. */
const TRIGGERS = {
  "'cron'": CRON_FIELDS,
  "'cron' with cronLine": ['cronLine'],
  'a cron line': [],
  "'interval'": INTERVAL_FIELDS,
  "'date'": ['runDate'],
} as const satisfies Readonly<Record<string, readonly string[]>>;
const KNOWN = new Set([...JOB, ...BOUNDS, ...Object.values(TRIGGERS).flat()]);
const LONGEST_INTERVAL_MS = 100 * 365 * 86_400_000;

/** @throws ConfigError naming job and field; whatever it throws for, nothing was registered */
export function defineJob(given: GivenJob): JobDefinition {
  const id = jobId(given.id);
  checkNames(id, given);
  const send = sendOf(id, given.func);
  if (given.args !== undefined && !Array.isArray(given.args)) throw wrong(id, 'args', 'is a list of arguments');
  const overlap = given.overlap ?? 'allow';
  if (overlap !== 'allow' && overlap !== 'skip') throw wrong(id, 'overlap', "is 'allow' or 'skip'");
  for (const name of ['coalesce', 'replaceExisting'] as const) {
    if (given[name] !== undefined && typeof given[name] !== 'boolean') throw wrong(id, name, 'is true or false');
  }
  const timezone = zone(id, given.timezone);
  return {
    id,
    send,
    args: (given.args as readonly unknown[] | undefined) ?? [],
    trigger: triggerOf(id, given as unknown as TriggerOptions & CommonOptions, timezone),
    timezone,
    jitterMs: duration(id, 'jitter', given.jitter ?? 0),
    coalesce: given.coalesce ?? true,
    graceMs: duration(id, 'misfireGraceTime', given.misfireGraceTime ?? 60),
    overlap,
  };
}

/** @throws ConfigError for an option that `rescheduleJob` does not change, or that belongs to another trigger */
export function checkReschedule(id: string, given: GivenJob): void {
  const kept = named(given).find((name) => JOB.includes(name));
  if (kept !== undefined) throw wrong(id, kept, 'stays as it is; to change it use addJob with replaceExisting: true');
  checkNames(id, given);
}

/** The trigger that these options describe. @throws ConfigError naming job and field */
export function triggerOf(id: string, options: TriggerOptions & CommonOptions, timezone: string): Trigger {
  const start = date(id, 'start', options.start);
  const end = date(id, 'end', options.end);
  if (start !== undefined && end !== undefined && end < start) throw wrong(id, 'end', 'lies before start');
  const trigger = unbounded(id, options, timezone, start);
  if (start === undefined && end === undefined) return trigger;
  if (options.trigger === 'date' && !isWithin(Number(options.runDate), start, end))
    throw wrong(id, 'runDate', 'lies outside of start and end');
  return new BoundedTrigger(trigger, start ?? Number.NEGATIVE_INFINITY, end ?? Number.POSITIVE_INFINITY);
}

/** Zones by the names they were given: looking one up takes longer than all else about a job. */
const zones = new Map<string | undefined, string>();

/** @throws ConfigError where the host knows no such zone */
export function zone(id: string, given: string | undefined): string {
  const known = zones.get(given);
  if (known !== undefined) return known;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions();
    zones.set(given, timeZone);
    return timeZone;
  } catch (cause) {
    throw wrong(id, 'timezone', `${JSON.stringify(given)} is no zone; give one such as 'Europe/Vienna'`, cause);
  }
}

function isWithin(at: number, start = Number.NEGATIVE_INFINITY, end = Number.POSITIVE_INFINITY): boolean {
  return at >= start && at <= end;
}

function named(given: GivenJob): string[] {
  return Object.keys(given).filter((name) => given[name as keyof GivenJob] !== undefined);
}

function checkNames(id: string, given: GivenJob): void {
  const names = named(given);
  const unknown = names.find((name) => !KNOWN.has(name));
  if (unknown !== undefined) throw wrong(id, unknown, `is no option; known are ${[...KNOWN].join(', ')}`);
  const kind = kindOf(given);
  const own: readonly string[] = kind === undefined ? [] : TRIGGERS[kind];
  const foreign = names.find((name) => ![...JOB, ...BOUNDS, ...own].includes(name));
  if (kind === undefined || foreign === undefined) return;
  const takes = own.length === 0 ? 'nothing beside it' : own.join(', ');
  throw wrong(id, foreign, `belongs to another trigger: this job's is ${kind}, which takes ${takes}`);
}

/** `undefined` where there is no such trigger, which is said when it is made. */
function kindOf({ trigger, cronLine }: GivenJob): keyof typeof TRIGGERS | undefined {
  if (trigger === 'interval' || trigger === 'date') return `'${trigger}'`;
  if (trigger === 'cron') return cronLine === undefined ? "'cron'" : "'cron' with cronLine";
  return typeof trigger === 'string' && trigger.includes(' ') ? 'a cron line' : undefined;
}

function unbounded(id: string, options: TriggerOptions, timezone: string, start: number | undefined): Trigger {
  if (options.trigger === 'date') {
    const at = date(id, 'runDate', options.runDate);
    if (at === undefined) throw wrong(id, 'runDate', 'is missing: give a Date');
    return new DateTrigger(at);
  }
  if (options.trigger === 'interval') return new IntervalTrigger(period(id, options as IntervalFields), start ?? 0);
  if (typeof options.trigger !== 'string' || !/^cron$| /.test(options.trigger)) {
    throw wrong(id, 'trigger', "is 'cron', 'interval', 'date' or a cron line such as '0 2 * * *'");
  }
  const line = options.trigger === 'cron' ? (options as { cronLine?: unknown }).cronLine : options.trigger;
  const trigger = line === undefined ? fromFields(id, options as CronFields, timezone) : fromLine(id, line, timezone);
  // What comes from now on is asked for anyway, and remembered; a year that has passed is none that never comes.
  if (trigger.next(Date.now()) === undefined && trigger.next(0) === undefined)
    throw wrong(id, 'trigger', `${trigger.words} never comes, like 31 February`);
  return trigger;
}

function fromLine(id: string, line: unknown, timezone: string): Trigger {
  if (typeof line !== 'string') throw wrong(id, 'cronLine', 'is a string such as "0 2 * * *"');
  const count = line.trim().split(/\s+/).length;
  if (line.length > 128 || count < 5 || count > 6) {
    throw wrong(id, 'cronLine', 'has five fields, or six with seconds first, in at most 128 characters');
  }
  try {
    return cronLineTrigger(line.trim(), timezone);
  } catch (cause) {
    throw wrong(id, 'cronLine', `${JSON.stringify(line)} cannot be read: ${(cause as Error).message}`, cause);
  }
}

function fromFields(id: string, fields: CronFields, timezone: string): Trigger {
  const named = CRON_FIELDS.filter((field) => fields[field] !== undefined);
  if (named.length === 0) throw wrong(id, 'trigger', `'cron' needs one of ${CRON_FIELDS.join(', ')}, or cronLine`);
  for (const field of named) {
    const value: unknown = fields[field];
    const isField = typeof value === 'number' || typeof value === 'string';
    if (!isField || !/^[A-Za-z0-9*/,#?-]{1,64}$/.test(String(value)))
      throw wrong(id, field, `${String(value)} is no cron field`);
  }
  try {
    return cronFieldsTrigger(fields, timezone);
  } catch (cause) {
    const field = named.find((one) => !isReadable({ [one]: fields[one] })) ?? 'trigger';
    throw wrong(
      id,
      field,
      `${String(fields[field as keyof CronFields])} cannot be read: ${(cause as Error).message}`,
      cause,
    );
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
    const value = fields[field as keyof IntervalFields];
    if (value === undefined) continue;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      throw wrong(id, field, 'is a number above 0');
    ms += value * size;
  }
  if (ms < 1)
    throw wrong(id, 'seconds', 'an interval is longer than nothing: give weeks, days, hours, minutes or seconds');
  if (ms > LONGEST_INTERVAL_MS) throw wrong(id, 'trigger', 'is an interval of more than 100 years');
  return Math.round(ms);
}

function jobId(id: unknown): string {
  if (typeof id === 'string' && /^[^\p{Cc}]{1,120}$/u.test(id)) return id;
  throw new ConfigError('a job has an id: a string of 1 to 120 characters, the same at every start', {
    code: 'JOB_INVALID',
  });
}

function sendOf(id: string, func: unknown): AnySend {
  if (typeof func === 'function' && 'task' in func && 'with' in func) return func as unknown as AnySend;
  throw wrong(id, 'func', 'is the send of a task: sendEmail.send, or sendEmail.with({ … }).send');
}

function duration(id: string, field: string, value: number | string): number {
  return toMs(value, `job ${id}: ${field}`);
}

function date(id: string, field: string, value: Date | undefined): number | undefined {
  if (value === undefined) return undefined;
  const at = value instanceof Date ? value.getTime() : Number.NaN;
  if (Number.isNaN(at)) throw wrong(id, field, 'is no valid Date');
  return at;
}

function wrong(id: string, field: string, problem: string, cause?: unknown): ConfigError {
  return new ConfigError(`job ${JSON.stringify(id)}: ${field} ${problem}`, { code: 'JOB_INVALID', cause });
}
