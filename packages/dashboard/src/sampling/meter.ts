import { addClasses, emptyClasses, percentile } from './histogram.ts';
import { HistoryRing } from './history-ring.ts';

/** Rows of the window of rates: one minute. */
const WINDOW = 6;
/** Rows whose deaths are kept: ten minutes. */
const DEATH_ROWS = 60;

/** What ended since the report before. */
export interface Ended {
  readonly succeeded: number;
  readonly failed: number;
  /** Of those that failed: messages that died. */
  readonly dead: number;
  readonly ran: readonly number[];
  readonly waited: readonly number[];
}

/** Deaths of a row. */
type DeathRow = readonly [row: number, dead: number];

interface Row {
  readonly row: number;
  succeeded: number;
  failed: number;
  readonly ran: number[];
  readonly waited: number[];
}

/** Rates and durations of the last minute. Figures that nothing was counted for are left out. */
export interface Rates {
  /** Successes a second. */
  readonly done: number;
  /** Share of attempts that failed. */
  readonly failed?: number;
  readonly wait50?: number;
  readonly wait95?: number;
  readonly run50?: number;
  readonly run95?: number;
  readonly run99?: number;
}

/** Counts what ends in a queue, of a task, or at all: rates of the last minute, and the history of the last hour. */
export class Meter {
  readonly history = new HistoryRing();
  #rows: Row[] = [];
  readonly #deathRows: number;
  readonly #deaths = new Map<number, number>();

  /** @param deathRows whose deaths are kept, ten minutes by default */
  constructor(deathRows = DEATH_ROWS) {
    this.#deathRows = deathRows;
  }

  add(row: number, { succeeded, failed, dead, ran, waited }: Ended): void {
    const at = this.#rowAt(row);
    if (dead > 0) this.#addDeaths(row, dead);
    at.succeeded += succeeded;
    at.failed += failed;
    addClasses(at.ran, ran);
    addClasses(at.waited, waited);
  }

  /** Messages that died in the last rows, by row, oldest first. @param rows ten minutes by default */
  died(row: number, rows = DEATH_ROWS): { readonly count: number; readonly byRow: readonly DeathRow[] } {
    const byRow = [...this.#deaths].filter(([each]) => each > row - rows).sort(([a], [b]) => a - b);
    return { count: byRow.reduce((sum, [, dead]) => sum + dead, 0), byRow };
  }

  /** Writes the current row into the history. */
  keep(row: number): void {
    const at = this.#rows.at(-1);
    if (at?.row !== row) {
      this.history.set(row, 'done', 0);
      this.history.set(row, 'failed', 0);
      return;
    }
    this.history.set(row, 'done', at.succeeded);
    this.history.set(row, 'failed', at.failed);
    this.history.set(row, 'wait50', percentile(at.waited, 0.5));
    this.history.set(row, 'wait95', percentile(at.waited, 0.95));
    this.history.set(row, 'run95', percentile(at.ran, 0.95));
  }

  /** @param seconds that were counted, at most the last minute */
  rates(row: number, seconds: number): Rates {
    const sum = { succeeded: 0, failed: 0, ran: emptyClasses(), waited: emptyClasses() };
    for (const each of this.#rows) {
      if (each.row <= row - WINDOW) continue;
      sum.succeeded += each.succeeded;
      sum.failed += each.failed;
      addClasses(sum.ran, each.ran);
      addClasses(sum.waited, each.waited);
    }
    const attempts = sum.succeeded + sum.failed;
    return {
      done: rounded(sum.succeeded / seconds),
      ...(attempts > 0 && { failed: rounded(sum.failed / attempts) }),
      ...known('wait50', percentile(sum.waited, 0.5)),
      ...known('wait95', percentile(sum.waited, 0.95)),
      ...known('run50', percentile(sum.ran, 0.5)),
      ...known('run95', percentile(sum.ran, 0.95)),
      ...known('run99', percentile(sum.ran, 0.99)),
    };
  }

  #addDeaths(row: number, dead: number): void {
    this.#deaths.set(row, (this.#deaths.get(row) ?? 0) + dead);
    for (const each of this.#deaths.keys()) if (each <= row - this.#deathRows) this.#deaths.delete(each);
  }

  #rowAt(row: number): Row {
    const last = this.#rows.at(-1);
    if (last?.row === row) return last;
    const made: Row = { row, succeeded: 0, failed: 0, ran: emptyClasses(), waited: emptyClasses() };
    this.#rows = [...this.#rows.filter((each) => each.row > row - WINDOW), made];
    return made;
  }
}

function known<Name extends string>(name: Name, value: number | undefined): { readonly [N in Name]?: number } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [N in Name]?: number };
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
