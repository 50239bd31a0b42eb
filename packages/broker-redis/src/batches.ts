/** Messages in one script call: enough to be worth a round trip, few enough not to block the server. */
export const LARGEST_BATCH = 500;

/** `items` in lists of at most `LARGEST_BATCH`; the list itself where it is small enough. */
export function batches<T>(items: readonly T[]): (readonly T[])[] {
  if (items.length === 0) return [];
  if (items.length <= LARGEST_BATCH) return [items];
  const parts: (readonly T[])[] = [];
  for (let from = 0; from < items.length; from += LARGEST_BATCH) parts.push(items.slice(from, from + LARGEST_BATCH));
  return parts;
}
