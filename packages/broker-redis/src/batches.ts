/**
 * Most messages of one call: enough to be worth a round trip, few enough that the server can serve other clients in
 * between.
 */
export const LARGEST_BATCH = 500;

/** Splits `items` into lists of at most `LARGEST_BATCH`. */
export function batches<T>(items: readonly T[]): (readonly T[])[] {
  if (items.length === 0) return [];
  if (items.length <= LARGEST_BATCH) return [items];
  const parts: (readonly T[])[] = [];
  for (let from = 0; from < items.length; from += LARGEST_BATCH) parts.push(items.slice(from, from + LARGEST_BATCH));
  return parts;
}
