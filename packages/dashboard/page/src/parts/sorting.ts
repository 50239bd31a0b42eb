/** What a column sorts by. Values that are not known come last in both directions. */
export type SortValue = number | string | undefined;

/** Order of a table, as in its address: `-dead` is by dead, largest first. */
export interface Order {
  readonly column: string;
  readonly descending: boolean;
}

export function parseOrder(text: string): Order {
  return text.startsWith('-') ? { column: text.slice(1), descending: true } : { column: text, descending: false };
}

/** Sorts a copy; rows that are equal keep their order. */
export function sorted<Row>(rows: readonly Row[], by: (row: Row) => SortValue, descending: boolean): Row[] {
  return [...rows].sort((one, other) => {
    const a = by(one);
    const b = by(other);
    if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
    const order = typeof a === 'string' || typeof b === 'string' ? compareText(String(a), String(b)) : a - b;
    return descending ? -order : order;
  });
}

const collator = new Intl.Collator('en', { numeric: true });

function compareText(a: string, b: string): number {
  return collator.compare(a, b);
}
