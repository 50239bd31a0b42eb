const DAY_MS = 86_400_000;
/** Some three years. */
const MOST_KEPT = 1_000;

/**
 * The wall clock of a zone. A local time is written as the epoch milliseconds at which a clock in UTC shows the same.
 */
export class LocalTime {
  readonly #format: Intl.DateTimeFormat;
  /** Offsets from UTC at its midnights, by day: asking the calendar of the host takes longer than all else. */
  readonly #offsets = new Map<number, number>();

  constructor(timezone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  at(instant: number): number {
    const { before, after } = this.#around(instant);
    return instant + (before === after ? before : this.#offset(instant));
  }

  /** The instant of a local time: of one that comes twice the first, of one that is skipped the first after the gap. */
  instantOf(local: number): number {
    const { before, after } = this.#around(local);
    if (before === after) return local - before;
    const [first, second] = before > after ? [local - before, local - after] : [local - after, local - before];
    if (this.at(first) === local) return first;
    if (this.at(second) === local) return second;
    return this.#change(first, second, before);
  }

  /** The first instant after `from` whose offset is not `before` any more. */
  #change(from: number, to: number, before: number): number {
    let [low, high] = [from, to];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#offset(middle) === before) low = middle;
      else high = middle;
    }
    return high;
  }

  /** The offsets at least a day before and a day after. */
  #around(instant: number): { readonly before: number; readonly after: number } {
    const day = Math.floor(instant / DAY_MS);
    return { before: this.#offsetOfDay(day - 1), after: this.#offsetOfDay(day + 2) };
  }

  #offsetOfDay(day: number): number {
    const known = this.#offsets.get(day);
    if (known !== undefined) return known;
    if (this.#offsets.size >= MOST_KEPT) this.#offsets.clear();
    const offset = this.#offset(day * DAY_MS);
    this.#offsets.set(day, offset);
    return offset;
  }

  #offset(instant: number): number {
    // "3/30/2025, 03:00:00"
    const [month, day, year, hour, minute, second] = this.#format.format(instant).split(/\D+/).map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1_000) * 1_000;
  }
}
