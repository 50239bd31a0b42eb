import { type BrowsableState, type Envelope, type Inspector, PAGE_LIMIT, type PageItem } from '@brokkr/core/adapter';
import { formatCursor, type PageCursor } from './page-cursor.ts';

/** Messages that one page of a filtered list looks at, at most, and for how long. `next` goes on there. */
const MOST_LOOKED = 10_000;
const LONGEST_MS = 250;

export interface ScanOptions {
  readonly queue: string;
  readonly state: BrowsableState;
  readonly from: 'oldest' | 'newest';
  readonly limit: number;
  readonly after: PageCursor;
  readonly matches: ((message: Envelope) => boolean) | undefined;
}

export interface Scanned {
  readonly items: readonly PageItem[];
  readonly next?: string;
  readonly looked: number;
}

/** Reads messages page by page until enough of them match, or enough were looked at. */
export async function scanPage(
  inspector: Inspector,
  { queue, state, from, limit, after, matches }: ScanOptions,
): Promise<Scanned> {
  const giveUpAt = performance.now() + LONGEST_MS;
  const size = matches === undefined ? limit : PAGE_LIMIT;
  const items: PageItem[] = [];
  let looked = 0;
  let cursor: PageCursor = after;
  for (;;) {
    const page = await inspector.page(queue, state, { limit: size, from, after: cursor.page });
    const start = startAfter(page.items, cursor);
    for (let index = start; index < page.items.length; index++) {
      const item = page.items[index] as PageItem;
      looked++;
      if (matches?.(item.envelope) ?? true) items.push(item);
      if (items.length < limit) continue;
      const next = { ...(cursor.page !== undefined && { page: cursor.page }), id: item.envelope.id, skip: index + 1 };
      if (index + 1 < page.items.length) return { items, next: formatCursor(next), looked };
    }
    if (page.next === undefined) return { items, looked };
    cursor = { page: page.next };
    if (items.length >= limit || looked >= MOST_LOOKED || performance.now() > giveUpAt) {
      return { items, next: formatCursor(cursor), looked };
    }
  }
}

/** After the message of the cursor; if it has left the queue, those before it have moved up by one or more. */
function startAfter(items: readonly PageItem[], { id, skip = 0 }: PageCursor): number {
  if (id === undefined) return 0;
  const at = items.findIndex(({ envelope }) => envelope.id === id);
  return at >= 0 ? at + 1 : Math.max(0, Math.min(skip, items.length) - 1);
}
