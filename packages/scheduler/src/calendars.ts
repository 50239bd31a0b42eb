import { Cron } from 'croner';
import { LocalTime } from './local-time.ts';

/** A compiled cron line holds some 80 KiB: of ten thousand jobs no more than these are kept at a time. */
const MOST_KEPT = 256;

/** Those used last stand at the end. */
const kept = new Map<string, Calendar>();
let lastKey = '';
let last: Calendar | undefined;

/** A cron line in a zone. @param bothDays day of the month and of the week have to fit, where both are given */
export class CalendarKey {
  readonly line: string;
  readonly timezone: string;
  readonly bothDays: boolean;
  readonly text: string;

  constructor(line: string, timezone: string, bothDays: boolean) {
    this.line = line;
    this.timezone = timezone;
    this.bothDays = bothDays;
    this.text = `${bothDays} ${timezone} ${line}`;
  }
}

/** Remembers an answer: asked again before that tick has come, it is the same. */
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
 * A cron line in a zone, compiled. Jobs of the same line share it. Where hours and minutes are given, croner is asked
 * for local times, and the rules for daylight saving are ours: its own hold for one hour and one minute, and leave out
 * or repeat what is due at several (`0 2,14 * * *`).
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
    return this.#memo.get(instant, (from) => this.#next(from));
  }

  #next(from: number): number | undefined {
    const local = this.#local;
    if (local === undefined) return this.#cron.nextRun(new Date(from))?.getTime();
    let time: number | undefined = local.at(from);
    for (;;) {
      time = this.#cron.nextRun(new Date(time))?.getTime();
      if (time === undefined) return undefined;
      const instant = local.instantOf(time);
      // Otherwise it was the first of two, or stands for a time in the same gap as the one before.
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

/** Any hour or any minute. */
function followsRealTime(line: string): boolean {
  const fields = line.trim().split(/\s+/);
  const [minute = '', hour = ''] = fields.slice(fields.length > 5 ? 1 : 0);
  return /[*?]/.test(minute + hour);
}

/** @throws what croner says of a line it cannot read */
export function calendar({ line, timezone, bothDays, text }: CalendarKey): Calendar {
  // The runs of a job are asked for one after the other.
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
