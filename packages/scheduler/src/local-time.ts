const DAY_MS = 86_400_000;
/** Most offsets in memory: about three years of days. */
const MOST_KEPT = 1_000;

/**
 * The wall clock of a zone. A local time is a number: the epoch milliseconds at which a clock in UTC shows that time.
 */
export class LocalTime {
  readonly #format: Intl.DateTimeFormat;
  /** Offsets from UTC at each midnight of UTC, by day. `Intl` is slower than everything else here. */
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

  /** Returns the local time at `instant`. */
  at(instant: number): number {
    const { before, after } = this.#around(instant);
    return instant + (before === after ? before : this.#offset(instant));
  }

  /** Returns the instant of a local time: the first one if it comes twice; the end of the gap if it is skipped. */
  instantOf(local: number): number {
    const { before, after } = this.#around(local);
    if (before === after) return local - before;
    const [first, second] = before > after ? [local - before, local - after] : [local - after, local - before];
    if (this.at(first) === local) return first;
    if (this.at(second) === local) return second;
    return this.#change(first, second, before);
  }

  /** Returns the first instant after `from` at which the offset is no longer `before`. */
  #change(from: number, to: number, before: number): number {
    let [low, high] = [from, to];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#offset(middle) === before) low = middle;
      else high = middle;
    }
    return high;
  }

  /** Returns the offsets at least a day before `instant` and at least a day after it. */
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
    // Such as "3/30/2025, 03:00:00".
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
