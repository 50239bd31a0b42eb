import { CalendarKey, calendar, Memo } from './calendars.ts';
import type { CronFields } from './job-options.ts';
import type { Trigger } from './trigger.ts';

/** From the largest to the smallest. `day` and `dayOfWeek` have the same size. */
const FIELDS = ['year', 'month', 'day', 'dayOfWeek', 'hour', 'minute', 'second'] as const;
const MINIMA = { year: '*', month: '1', day: '1', dayOfWeek: '*', hour: '0', minute: '0', second: '0' } as const;

/**
 * Ticks of a cron line. If daylight saving skips a time, its tick is the first instant after the gap. If a time comes
 * twice, its tick is the first one. A line with `*` in hours or minutes follows real time through both.
 */
export class CronTrigger implements Trigger {
  readonly isOnce = false;
  readonly words: string;
  readonly #key: CalendarKey;
  readonly #memo = new Memo();

  /** @throws Error of croner, if the line is invalid */
  constructor(line: string, timezone: string, words: string, bothDays: boolean) {
    this.#key = new CalendarKey(line, timezone, bothDays);
    this.words = words;
    calendar(this.#key);
  }

  next(instant: number): number | undefined {
    return this.#memo.get(instant, (from) => calendar(this.#key).next(from));
  }
}

/** The trigger of a cron line. @throws Error of croner, if the line is invalid */
export function cronLineTrigger(line: string, timezone: string): CronTrigger {
  return new CronTrigger(line, timezone, `cron ${line}`, false);
}

/**
 * The trigger of cron fields. Fields smaller than the smallest given one have their minimum, larger ones `*`.
 * @throws Error of croner, if a field is invalid
 */
export function cronFieldsTrigger(given: CronFields, timezone: string): CronTrigger {
  const named = FIELDS.filter((field) => given[field] !== undefined);
  const smallest = Math.max(...named.map((field) => FIELDS.indexOf(field)));
  const value = (field: (typeof FIELDS)[number]): string => {
    const own = given[field];
    if (own !== undefined) return String(own);
    if (field === 'day' && given.dayOfWeek !== undefined) return '*';
    return FIELDS.indexOf(field) > smallest ? MINIMA[field] : '*';
  };
  const line = (['second', 'minute', 'hour', 'day', 'month', 'dayOfWeek', 'year'] as const).map(value).join(' ');
  const words = named.map((field) => `${field} ${given[field]}`).join(', ');
  return new CronTrigger(line, timezone, `cron ${words}`, true);
}
