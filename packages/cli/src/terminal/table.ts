import Table from 'cli-table3';
import { printable } from '../output.ts';

/** A table without colors. Text is made safe for a terminal; a cell that is `undefined` is unknown, and shows `?`. */
export function table(head: readonly string[], rows: readonly (readonly (string | number | undefined)[])[]): string {
  const drawn = new Table({ head: [...head], style: { head: [], border: [] } });
  for (const row of rows) drawn.push(row.map((cell) => (typeof cell === 'string' ? printable(cell) : (cell ?? '?'))));
  return drawn.toString();
}
