import stringWidth from 'string-width';
import { printable } from '../output.ts';

/** Text may have several lines. A cell that is `undefined` is unknown, and shows `?`. */
export type Cell = string | number | undefined;

/** Characters that all take one column: most cells have no others. */
const PLAIN = /^[\x20-\x7e]*$/;

/**
 * A table without colors. Text is made safe for a terminal. The time grows with the number of rows alone, because
 * a list may have tens of thousands.
 */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const cells = [head, ...rows].map((row) => row.map(linesOf));
  const widths = head.map(() => 0);
  for (const row of cells) {
    for (const [column, lines] of row.entries()) {
      for (const line of lines) widths[column] = Math.max(widths[column] ?? 0, widthOf(line));
    }
  }
  const rule = (left: string, between: string, right: string) =>
    `${left}${widths.map((width) => '─'.repeat(width + 2)).join(between)}${right}`;
  const drawn = cells.map((row) => rowText(row, widths));
  return [rule('┌', '┬', '┐'), drawn.join(`\n${rule('├', '┼', '┤')}\n`), rule('└', '┴', '┘')].join('\n');
}

function linesOf(cell: Cell): readonly string[] {
  if (cell === undefined) return ['?'];
  return typeof cell === 'number' ? [String(cell)] : printable(cell).split('\n');
}

function rowText(cells: readonly (readonly string[])[], widths: readonly number[]): string {
  const height = cells.reduce((most, lines) => Math.max(most, lines.length), 1);
  return Array.from({ length: height }, (_, line) => {
    const padded = widths.map((width, column) => {
      const text = cells[column]?.[line] ?? '';
      return `${text}${' '.repeat(width - widthOf(text))}`;
    });
    return `│ ${padded.join(' │ ')} │`;
  }).join('\n');
}

function widthOf(text: string): number {
  return PLAIN.test(text) ? text.length : stringWidth(text);
}
