import type { Envelope } from './envelope.ts';
import type { BrowsableState, Inspector, PageItem } from './inspector.ts';

/** Most messages that one call of an inspector reads from the server. */
export const PAGE_LIMIT = 500;

/**
 * Walks through the messages of a queue, page by page.
 *
 * @param limit ends the walk after so many messages. @default all of them
 */
export async function* pagesOf(
  inspector: Inspector,
  queue: string,
  state: BrowsableState,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<readonly PageItem[]> {
  let after: string | undefined;
  for (let left = limit; left > 0; ) {
    const { items, next } = await inspector.page(queue, state, { limit: Math.min(left, PAGE_LIMIT), after });
    if (items.length > 0) yield items;
    if (next === undefined) return;
    left -= items.length;
    after = next;
  }
}

/** The first `limit` messages of a queue, oldest first, read page by page. */
export async function firstMessages(
  inspector: Inspector,
  queue: string,
  state: BrowsableState,
  limit: number,
): Promise<readonly Envelope[]> {
  const found: Envelope[] = [];
  for await (const items of pagesOf(inspector, queue, state, limit))
    found.push(...items.map(({ envelope }) => envelope));
  return found;
}
