import { type BrowsableState, DEAD_AT_HEADER, type PageItem } from '@brokkr/core/adapter';
import { numberIn } from '../payload/message-row.ts';

/**
 * Sorts the messages of a look, which come by the queues of the server that hold them: delayed ones by the time they are
 * due, dead ones by their death, ready ones as workers take them. A message without a time keeps its place after the
 * message before it.
 */
export function inOrder(
  items: readonly PageItem[],
  state: BrowsableState,
  from: 'oldest' | 'newest',
): readonly PageItem[] {
  let last = 0;
  const timed = items.map((item) => {
    last = timeOf(item, state) ?? last;
    return { item, at: last };
  });
  const oldestFirst = timed.sort((a, b) => a.at - b.at).map(({ item }) => item);
  return from === 'oldest' ? oldestFirst : oldestFirst.reverse();
}

function timeOf({ envelope, dueAt }: PageItem, state: BrowsableState): number | undefined {
  if (state === 'ready') return undefined;
  return state === 'delayed' ? dueAt : numberIn(envelope, DEAD_AT_HEADER);
}
