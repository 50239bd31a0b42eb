import type { TargetedKeyboardEvent } from 'preact';
import { open } from '../route/route.ts';

/** Moves among the rows of a table: arrows or j and k move, x selects, Enter opens, Home and End go to the ends. */
export function onRowKey(event: TargetedKeyboardEvent<HTMLTableSectionElement>): void {
  const target = event.target as HTMLElement;
  const row = target.closest('tr');
  if (row === null || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) && !(target as HTMLInputElement).matches('[type=checkbox]'))
    return;
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>('tr[tabindex]')];
  const at = rows.indexOf(row);
  const isRow = target === row;
  const moves: Record<string, number> = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1 };
  if (isRow) Object.assign(moves, { Home: 0, End: rows.length - 1 });
  const next = moves[event.key];
  if (next !== undefined) {
    event.preventDefault();
    rows[next]?.focus();
  } else if (event.key === 'x') {
    row.querySelector<HTMLInputElement>('.pick input')?.click();
  } else if (event.key === 'Enter' && isRow && row.dataset.open !== undefined) {
    open(row.dataset.open);
  }
}
