import type { Envelope } from '@brokkr/core/adapter';
import type { OpenedBroker } from '../app/open-broker.ts';

/** Finds dead letters of a queue by their ids: at once if the broker knows messages by id, else page by page. */
export async function findLetters(
  { adapter, broker, inspector }: OpenedBroker,
  queue: string,
  ids: readonly string[],
): Promise<readonly Envelope[]> {
  const found: Envelope[] = [];
  if (broker.messages !== undefined) {
    for (let from = 0; from < ids.length; from += adapter.PAGE_LIMIT) {
      const messages = await broker.messages.find(queue, ids.slice(from, from + adapter.PAGE_LIMIT));
      found.push(...messages.filter(({ state }) => state === 'dead').map(({ envelope }) => envelope));
    }
    return found;
  }
  const wanted = new Set(ids);
  for await (const items of adapter.pagesOf(inspector, queue, 'dead')) {
    found.push(...items.map(({ envelope }) => envelope).filter(({ id }) => wanted.delete(id)));
    if (wanted.size === 0) break;
  }
  return found;
}
