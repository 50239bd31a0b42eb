/** Milliseconds of one row. */
export const STEP_MS = 10_000;
/** Rows that are kept: one hour. */
export const ROWS = 360;

export const COLUMNS = ['done', 'failed', 'ready', 'delayed', 'dead', 'wait50', 'wait95', 'run95'] as const;
export type Column = (typeof COLUMNS)[number];

/** The figures of the last hour of a queue, a task or everything, a row each ten seconds. Its size is fixed: 11.5 KB. */
export class HistoryRing {
  #values: Float32Array | undefined;
  #first = 0;
  #last = -1;

  /** Sets a figure of a row. Rows that were left out are not known. */
  set(row: number, column: Column, value: number | undefined): void {
    if (value === undefined) return;
    this.#values ??= new Float32Array(COLUMNS.length * ROWS).fill(Number.NaN);
    this.#advance(row);
    if (row > this.#last - ROWS) this.#values[this.#index(row, column)] = value;
  }

  /** @returns `undefined` if the figure is not known */
  get(row: number, column: Column): number | undefined {
    if (this.#values === undefined || row > this.#last || row <= this.#last - ROWS || row < this.#first)
      return undefined;
    const value = this.#values[this.#index(row, column)] as number;
    return Number.isNaN(value) ? undefined : value;
  }

  #advance(row: number): void {
    if (this.#last < 0) {
      this.#first = row;
      this.#last = row;
    }
    if (row <= this.#last) return;
    for (let each = Math.max(this.#last + 1, row - ROWS + 1); each <= row; each++) {
      for (const column of COLUMNS) (this.#values as Float32Array)[this.#index(each, column)] = Number.NaN;
    }
    this.#last = row;
  }

  #index(row: number, column: Column): number {
    return COLUMNS.indexOf(column) * ROWS + (row % ROWS);
  }
}

/** The row of a time, epoch milliseconds. */
export function rowOf(at: number): number {
  return Math.floor(at / STEP_MS);
}
