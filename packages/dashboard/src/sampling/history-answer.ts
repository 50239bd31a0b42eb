import type { History } from '../api/types.ts';
import { type Column, COLUMNS, type HistoryRing, ROWS, rowOf, STEP_MS } from './history-ring.ts';

/** Rows of an answer, at most: longer times have longer rows. */
const MOST_POINTS = 120;
/** Columns that count: their rows are summed, and given a second. The others are gauges: the last one counts. */
const COUNTED: ReadonlySet<Column> = new Set<Column>(['done', 'failed']);
const LARGEST: ReadonlySet<Column> = new Set<Column>(['wait50', 'wait95', 'run95']);

/**
 * The history of some rings together. Durations are those of one ring: percentiles cannot be added.
 *
 * @param since when the dashboard began to look
 */
export function historyAnswer(
  rings: readonly HistoryRing[],
  { minutes, at, since }: { readonly minutes: number; readonly at: number; readonly since: number },
): History {
  const wanted = Math.min(ROWS, Math.ceil((minutes * 60_000) / STEP_MS));
  const width = Math.ceil(wanted / MOST_POINTS);
  const last = Math.floor(rowOf(at) / width);
  const points = Math.ceil(wanted / width);
  const firstPoint = Math.max(last - points + 1, Math.floor(rowOf(since) / width));
  const numbers = Array.from({ length: last - firstPoint + 1 }, (_, index) => firstPoint + index);
  const column = (name: Column) => numbers.map((point) => pointOf(rings, point * width, width, name));
  const columns = Object.fromEntries(COLUMNS.map((name) => [name, column(name)])) as Record<Column, (number | null)[]>;
  return {
    at,
    since: Math.max(since, at - minutes * 60_000),
    step: (width * STEP_MS) / 1_000,
    t: numbers.map((point) => point * width * STEP_MS),
    ...columns,
  };
}

function pointOf(rings: readonly HistoryRing[], first: number, width: number, column: Column): number | null {
  if (LARGEST.has(column) && rings.length > 1) return null;
  let total: number | null = null;
  for (const ring of rings) {
    const value = valueIn(ring, first, width, column);
    if (value !== undefined) total = (total ?? 0) + value;
  }
  return total === null ? null : Math.round(total * 1_000) / 1_000;
}

function valueIn(ring: HistoryRing, first: number, width: number, column: Column): number | undefined {
  const values: number[] = [];
  for (let row = first; row < first + width; row++) {
    const value = ring.get(row, column);
    if (value !== undefined) values.push(value);
  }
  if (values.length === 0) return undefined;
  if (COUNTED.has(column)) return values.reduce((sum, value) => sum + value, 0) / ((values.length * STEP_MS) / 1_000);
  return LARGEST.has(column) ? Math.max(...values) : values.at(-1);
}
