/**
 * Most messages of one call: enough to be worth a round trip, few enough that the server can serve other clients in
 * between.
 */
export const LARGEST_BATCH = 500;

/** Splits `items` into lists of at most `size`. */
export function batches<T>(items: readonly T[], size = LARGEST_BATCH): (readonly T[])[] {
  if (items.length === 0) return [];
  if (items.length <= size) return [items];
  const parts: (readonly T[])[] = [];
  for (let from = 0; from < items.length; from += size) parts.push(items.slice(from, from + size));
  return parts;
}

/** How many messages one call handles if its caller asks for `wanted`: 1 to `LARGEST_BATCH`. */
export function batchSize(wanted = LARGEST_BATCH): number {
  return Math.min(Math.max(1, Math.trunc(wanted) || 1), LARGEST_BATCH);
}
