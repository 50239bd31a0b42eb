import { CalendarKey, calendar, Memo } from './calendars.ts';
import type { CronFields } from './job-options.ts';
import type { Trigger } from './trigger.ts';

/** From the largest to the smallest; `day` and `dayOfWeek` are of one size. */
const FIELDS = ['year', 'month', 'day', 'dayOfWeek', 'hour', 'minute', 'second'] as const;
const MINIMA = { year: '*', month: '1', day: '1', dayOfWeek: '*', hour: '0', minute: '0', second: '0' } as const;

/**
 * The calendar is croner's. A time that is skipped fires at the first instant after the gap, a time that comes twice
 * fires the first time only, and `*` in hours or minutes follows real time through both.
 */
export class CronTrigger implements Trigger {
  readonly isOnce = false;
  readonly words: string;
  readonly #key: CalendarKey;
  readonly #memo = new Memo();

  /** @throws what croner says of a line it cannot read */
  constructor(line: string, timezone: string, words: string, bothDays: boolean) {
    this.#key = new CalendarKey(line, timezone, bothDays);
    this.words = words;
    calendar(this.#key);
  }

  next(instant: number): number | undefined {
    return this.#memo.get(instant, (from) => calendar(this.#key).next(from));
  }
}

export function cronLineTrigger(line: string, timezone: string): CronTrigger {
  return new CronTrigger(line, timezone, `cron ${line}`, false);
}

/** Fields below the smallest one given are at their minimum, those above it `*`. */
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
