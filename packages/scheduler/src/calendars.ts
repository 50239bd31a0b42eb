import { Cron } from 'croner';

/** A compiled cron line holds some 80 KiB: of ten thousand jobs no more than these are kept at a time. */
const MOST_KEPT = 256;

/** Those used last stand at the end. */
const kept = new Map<string, Calendar>();

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

/** A cron line in a zone, compiled. Jobs of the same line share it. */
class Calendar {
  readonly #cron: Cron;
  readonly #memo = new Memo();

  constructor(line: string, timezone: string, bothDays: boolean) {
    this.#cron = new Cron(line, { timezone, domAndDow: bothDays });
  }

  next(instant: number): number | undefined {
    return this.#memo.get(instant, (from) => this.#cron.nextRun(new Date(from))?.getTime());
  }
}

/**
 * @param bothDays day of the month and of the week have to fit, where both are given
 * @throws what croner says of a line it cannot read
 */
export function calendar(line: string, timezone: string, bothDays: boolean): Calendar {
  const key = `${bothDays} ${timezone} ${line}`;
  const found = kept.get(key) ?? new Calendar(line, timezone, bothDays);
  kept.delete(key);
  kept.set(key, found);
  const [oldest] = kept.keys();
  if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest);
  return found;
}
