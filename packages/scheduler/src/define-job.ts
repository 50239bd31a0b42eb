import { ConfigError, type Send } from '@brokkr/core';
import { shown, toMs } from '@brokkr/core/adapter';
import { mustBe, wrong } from './job-error.ts';
import type { CommonOptions, TriggerOptions } from './job-options.ts';
import { CRON_FIELDS, INTERVAL_MS, triggerOf } from './job-trigger.ts';
import { calendarZone, shownZone } from './time-zone.ts';
import type { Trigger } from './trigger.ts';

type AnySend = Send<readonly unknown[], unknown>;

/** A job whose options are checked. */
export interface JobDefinition {
  readonly id: string;
  readonly send: AnySend;
  readonly args: readonly unknown[];
  readonly trigger: Trigger;
  readonly timezone: string;
  /** The zone as given; `undefined` for the host's. */
  readonly givenZone: string | undefined;
  readonly jitterMs: number;
  readonly coalesce: boolean;
  readonly graceMs: number;
  readonly overlap: 'allow' | 'skip';
}

/** Options as a caller gives them, not checked yet. */
export interface GivenJob extends CommonOptions {
  readonly id?: unknown;
  readonly func?: unknown;
  readonly args?: unknown;
  readonly trigger?: unknown;
  readonly cronLine?: unknown;
}

const JOB = ['id', 'func', 'args', 'jitter', 'coalesce', 'misfireGraceTime', 'overlap', 'replaceExisting'];
const BOUNDS = ['trigger', 'timezone', 'start', 'end'];
/** The options of each trigger. */
const TRIGGERS = {
  "'cron'": CRON_FIELDS,
  "'cron' with cronLine": ['cronLine'],
  'a cron line': [],
  "'interval'": Object.keys(INTERVAL_MS),
  "'date'": ['runDate'],
} as const satisfies Readonly<Record<string, readonly string[]>>;
const KNOWN = new Set([...JOB, ...BOUNDS, ...Object.values(TRIGGERS).flat()]);
/**
 * Refused in ids: characters that a terminal acts on or that change the order of text, and halves of characters, which
 * brokers would store as one and the same replacement character.
 */
const JOB_ID = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]{1,120}$/u;

/** Checks the options of a job. @throws ConfigError (`JOB_INVALID`, `DURATION_INVALID`) that names job and field */
export function defineJob(given: GivenJob): JobDefinition {
  const id = jobId(given.id);
  checkNames(id, given);
  const send = sendOf(id, given.func);
  if (given.args !== undefined && !Array.isArray(given.args))
    throw mustBe(id, 'args', 'a list of arguments', given.args);
  const overlap = given.overlap ?? 'allow';
  if (overlap !== 'allow' && overlap !== 'skip') throw mustBe(id, 'overlap', "'allow' or 'skip'", overlap);
  for (const name of ['coalesce', 'replaceExisting'] as const) {
    const value: unknown = given[name];
    if (value !== undefined && typeof value !== 'boolean') throw mustBe(id, name, 'true or false', value);
  }
  return {
    id,
    send,
    args: (given.args as readonly unknown[] | undefined) ?? [],
    ...defineTrigger(id, given as unknown as TriggerOptions & CommonOptions, given.timezone),
    jitterMs: duration(id, 'jitter', given.jitter ?? 0),
    coalesce: given.coalesce ?? true,
    graceMs: duration(id, 'misfireGraceTime', given.misfireGraceTime ?? 60),
    overlap,
  };
}

/**
 * Checks the trigger of a job.
 * @param zone name of its time zone; `undefined` for the host's
 * @throws ConfigError (`JOB_INVALID`) that names job and field
 */
export function defineTrigger(
  id: string,
  options: TriggerOptions & CommonOptions,
  zone: string | undefined,
): Pick<JobDefinition, 'trigger' | 'timezone' | 'givenZone'> {
  const isCalendar = options.trigger !== 'interval' && options.trigger !== 'date';
  const timezone = (isCalendar ? calendarZone : shownZone)(id, zone);
  return { trigger: triggerOf(id, options, timezone), timezone, givenZone: zone };
}

/** @throws ConfigError (`JOB_INVALID`) for an option that `rescheduleJob` does not change, or of another trigger */
export function checkReschedule(id: string, given: GivenJob): void {
  const kept = named(given).find((name) => JOB.includes(name));
  if (kept !== undefined) {
    throw wrong(id, kept, 'is not changed by rescheduleJob; to change it, call addJob with replaceExisting: true');
  }
  checkNames(id, given);
}

function named(given: GivenJob): string[] {
  return Object.keys(given).filter((name) => given[name as keyof GivenJob] !== undefined);
}

function checkNames(id: string, given: GivenJob): void {
  const names = named(given);
  const unknown = names.find((name) => !KNOWN.has(name));
  if (unknown !== undefined) throw wrong(id, unknown, `is not an option; options are ${[...KNOWN].join(', ')}`);
  const kind = kindOf(given);
  const own: readonly string[] = kind === undefined ? [] : TRIGGERS[kind];
  const foreign = names.find((name) => ![...JOB, ...BOUNDS, ...own].includes(name));
  if (kind === undefined || foreign === undefined) return;
  const takes = own.length === 0 ? 'no other option' : own.join(', ');
  throw wrong(id, foreign, `belongs to another trigger: the trigger of this job is ${kind}, which takes ${takes}`);
}

/** Returns the kind of the trigger; `undefined` if it is invalid, which `triggerOf` reports. */
function kindOf({ trigger, cronLine }: GivenJob): keyof typeof TRIGGERS | undefined {
  if (trigger === 'interval' || trigger === 'date') return `'${trigger}'`;
  if (trigger === 'cron') return cronLine === undefined ? "'cron'" : "'cron' with cronLine";
  return typeof trigger === 'string' && trigger.includes(' ') ? 'a cron line' : undefined;
}

function jobId(id: unknown): string {
  if (typeof id === 'string' && JOB_ID.test(id)) return id;
  throw new ConfigError(
    `a job must have an id of 1 to 120 visible characters, the same at every start; got ${shown(id)}`,
    { code: 'JOB_INVALID' },
  );
}

function sendOf(id: string, func: unknown): AnySend {
  if (typeof func === 'function' && 'task' in func && 'with' in func) return func as unknown as AnySend;
  throw mustBe(id, 'func', 'the send of a task, such as sendEmail.send or sendEmail.with({ … }).send', func);
}

function duration(id: string, field: string, value: number | string): number {
  return toMs(value, `job ${JSON.stringify(id)}: ${field}`);
}
