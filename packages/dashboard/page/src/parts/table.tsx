import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { open, route, setQuery } from '../route/route.ts';
import { Icon } from './icon.tsx';
import type { Selection } from './selection.ts';
import { onRowKey } from './row-keys.ts';
import { parseOrder, type SortValue, sorted } from './sorting.ts';

/** A column of a table, and a line of its card on narrow screens. */
export interface Column<Row> {
  readonly key: string;
  readonly title: ComponentChildren;
  /** Label on the card; the title if it is text. `''`: none. */
  readonly label?: string;
  /** Classes: `num`, and for cards `name`, `half`, `full`, `corner`, `drop`. */
  readonly class?: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Left out: the column does not sort. */
  readonly sort?: (row: Row) => SortValue;
  /** Numbers sort largest first on the first click. */
  readonly descends?: boolean;
}

interface Props<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** Order without one in the address; left out: rows stay as they come. */
  readonly order?: string;
  /** Page that Enter opens. */
  readonly href?: (row: Row) => string | undefined;
  readonly selection?: Selection | undefined;
  /** A further row below one. */
  readonly below?: (row: Row) => ComponentChildren;
  readonly class?: string;
}

/** Classes that a column's head has too. */
const SHARED = new Set(['num', 'drop', 'wide-only']);

/** Rows that are drawn at first, and each time the end of the table comes into view. */
const STEP = 100;

/** A table that sorts by its columns, moves by keys, and becomes cards on narrow screens. */
export function Table<Row>({
  label,
  columns,
  rows,
  keyOf,
  order,
  href,
  selection,
  below,
  class: name = '',
}: Props<Row>) {
  const { column, descending } = parseOrder(route.value.query.sort ?? order ?? '');
  const by = columns.find(({ key }) => key === column)?.sort;
  const all = by === undefined ? rows : sorted(rows, by, descending);
  const limit = useSignal(STEP);
  const shown = all.slice(0, limit.value);
  const keys = shown.map(keyOf);
  const isEveryChosen = selection !== undefined && keys.length > 0 && keys.every(selection.has);
  const isSomeChosen = selection !== undefined && !isEveryChosen && keys.some(selection.has);
  const width = columns.length + (selection === undefined ? 0 : 1);
  return (
    <div class="scroll">
      <table class={`cards ${name}`} aria-label={label}>
        <thead>
          <tr>
            {selection === undefined ? null : (
              <th scope="col" class={isSomeChosen ? 'part' : ''}>
                <input
                  type="checkbox"
                  aria-label="Select all on this page"
                  checked={isEveryChosen}
                  onChange={() => selection.set(keys, !isEveryChosen)}
                />
              </th>
            )}
            {columns.map((each) => (
              <HeadCell key={each.key} column={each} sortedBy={column} descending={descending} />
            ))}
          </tr>
        </thead>
        <tbody onKeyDown={onRowKey}>
          {shown.map((row, index) => {
            const key = keys[index] ?? '';
            const address = href?.(row);
            const isChosen = selection?.has(key) ?? false;
            return [
              <tr
                key={key}
                tabIndex={index === 0 ? 0 : -1}
                aria-selected={selection === undefined ? undefined : isChosen}
                class={isChosen ? 'chosen' : ''}
                data-open={address}
                onDblClick={() => address !== undefined && open(address)}
              >
                {selection === undefined ? null : (
                  <td class="pick">
                    <input
                      type="checkbox"
                      tabIndex={-1}
                      aria-label={`Select ${key}`}
                      checked={isChosen}
                      onChange={() => selection.set([key], !isChosen)}
                    />
                  </td>
                )}
                {columns.map((each) => (
                  <td key={each.key} class={each.class} data-l={labelOf(each)}>
                    {each.cell(row)}
                  </td>
                ))}
              </tr>,
              below?.(row) ? (
                <tr key={`${key} below`} class="open">
                  <td colSpan={width} class="full">
                    {below(row)}
                  </td>
                </tr>
              ) : null,
            ];
          })}
        </tbody>
      </table>
      {all.length > shown.length ? (
        <More
          left={all.length - shown.length}
          onMore={() => {
            limit.value += STEP;
          }}
        />
      ) : null}
    </div>
  );
}

function labelOf<Row>({ label, title }: Column<Row>): string | undefined {
  const text = label ?? (typeof title === 'string' ? title : '');
  return text === '' ? undefined : text;
}

function HeadCell<Row>({
  column,
  sortedBy,
  descending,
}: {
  column: Column<Row>;
  sortedBy: string;
  descending: boolean;
}) {
  const isSorted = column.key === sortedBy;
  const next = isSorted ? !descending : (column.descends ?? false);
  const name = (column.class ?? '')
    .split(' ')
    .filter((each) => SHARED.has(each))
    .join(' ');
  if (column.sort === undefined) {
    return (
      <th scope="col" class={name}>
        {column.title}
      </th>
    );
  }
  return (
    <th scope="col" class={name} aria-sort={isSorted ? (descending ? 'descending' : 'ascending') : undefined}>
      <button type="button" onClick={() => setQuery({ sort: `${next ? '-' : ''}${column.key}` }, { replace: true })}>
        {column.title}
        {isSorted ? <Icon name="down" /> : null}
      </button>
    </th>
  );
}

/** Draws more rows once it comes into view. */
function More({ left, onMore }: { left: number; onMore: () => void }) {
  const element = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (element.current === null) return;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) onMore();
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [left]);
  return (
    <button type="button" class="more" ref={element} onClick={onMore}>
      {left} more
    </button>
  );
}
