import { Cron } from 'croner';
import { LocalTime } from './local-time.ts';

/** Most compiled cron lines in memory. Each takes about 80 KiB; an application may have 10,000 jobs. */
const MOST_KEPT = 256;
/** 1 January of the year 1. Croner fails for instants near the bounds of `Date`, and finds no tick after the year 2999. */
const FIRST_INSTANT = -62_135_596_800_000;
const LAST_CRON_INSTANT = Date.UTC(3000, 0, 1);

/** Compiled cron lines, the most recently used last. */
const kept = new Map<string, Calendar>();
let lastKey = '';
let last: Calendar | undefined;

/** Names a cron line in a zone. */
export class CalendarKey {
  readonly line: string;
  readonly timezone: string;
  readonly bothDays: boolean;
  readonly text: string;

  /** @param bothDays if the line has a day of the month and a weekday, both must match; else one of them is enough */
  constructor(line: string, timezone: string, bothDays: boolean) {
    this.line = line;
    this.timezone = timezone;
    this.bothDays = bothDays;
    this.text = `${bothDays} ${timezone} ${line}`;
  }
}

/** Remembers the last tick found: it is the next tick of every instant between the one that was asked for and itself. */
export class Memo {
  #from = Number.POSITIVE_INFINITY;
  #next = Number.NEGATIVE_INFINITY;

  get(instant: number, ask: (instant: number) => number | undefined): number | undefined {
    if (this.#from <= instant && instant < this.#next) return this.#next;
    const next = ask(instant);
    if (next === undefined) return undefined;
    this.#from = instant;
    this.#next = next;
    return next;
  }
}

/**
 * A compiled cron line in a zone. Jobs with the same line share it.
 *
 * If the line names hours and minutes, croner computes local times, and this class applies daylight saving. Croner's own
 * rules are right for one hour and one minute only: they skip or repeat ticks of lines such as `0 2,14 * * *`.
 */
class Calendar {
  readonly #cron: Cron;
  readonly #local: LocalTime | undefined;
  readonly #memo = new Memo();

  constructor(line: string, timezone: string, bothDays: boolean) {
    const isLocal = timezone !== 'UTC' && !followsRealTime(line);
    this.#cron = new Cron(line, { timezone: isLocal ? 'UTC' : timezone, domAndDow: bothDays });
    this.#local = isLocal ? localTime(timezone) : undefined;
  }

  next(instant: number): number | undefined {
    return this.#memo.get(Math.max(instant, FIRST_INSTANT), (from) => this.#next(from));
  }

  #next(from: number): number | undefined {
    if (from > LAST_CRON_INSTANT) return undefined;
    const local = this.#local;
    if (local === undefined) return this.#cron.nextRun(new Date(from))?.getTime();
    let time: number | undefined = local.at(from);
    for (;;) {
      time = this.#cron.nextRun(new Date(time))?.getTime();
      if (time === undefined) return undefined;
      const instant = local.instantOf(time);
      // An earlier instant is the first of two equal local times, or was skipped by the same gap as the tick before.
      if (instant > from) return instant;
    }
  }
}

const localTimes = new Map<string, LocalTime>();

function localTime(timezone: string): LocalTime {
  const known = localTimes.get(timezone) ?? new LocalTime(timezone);
  localTimes.set(timezone, known);
  return known;
}

/** Whether the line matches any hour or any minute. */
function followsRealTime(line: string): boolean {
  const fields = line.trim().split(/\s+/);
  const [minute = '', hour = ''] = fields.slice(fields.length > 5 ? 1 : 0);
  return /[*?]/.test(minute + hour);
}

/** Compiles a cron line, or returns the compiled one. @throws Error of croner, if the line is invalid */
export function calendar({ line, timezone, bothDays, text }: CalendarKey): Calendar {
  // Fast path: the runs of one job are computed one after the other.
  if (last !== undefined && text === lastKey) return last;
  const found = kept.get(text) ?? new Calendar(line, timezone, bothDays);
  kept.delete(text);
  kept.set(text, found);
  const [oldest] = kept.keys();
  if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest);
  lastKey = text;
  last = found;
  return found;
}
