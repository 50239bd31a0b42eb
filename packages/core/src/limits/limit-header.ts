import { isLimitKey } from './limit.ts';
import { isLimitName } from './limit-registry.ts';
import { MOST_LIMITS } from './task-limits.ts';

/** A limit and a key, as a header names them. */
export interface NamedLimit {
  readonly limit: string;
  readonly key: string;
}

/** Longest header that is read, in characters: eight limits with the longest names and keys. */
const LONGEST = MOST_LIMITS * 1_300;

/**
 * Reads the header that names the limits of a message. Any program may send one, so every part is checked.
 * @returns `undefined` if it is not such a list; a limit that is named twice counts once
 */
export function readLimitHeader(header: string): readonly NamedLimit[] | undefined {
  if (header.length > LONGEST) return undefined;
  let pairs: unknown;
  try {
    pairs = JSON.parse(header);
  } catch {
    return undefined;
  }
  if (!Array.isArray(pairs) || pairs.length > MOST_LIMITS) return undefined;
  const named = new Map<string, NamedLimit>();
  for (const pair of pairs as readonly unknown[]) {
    if (!Array.isArray(pair) || pair.length !== 2) return undefined;
    const [limit, key] = pair as readonly unknown[];
    if (!isLimitName(limit) || (key !== '' && !isLimitKey(key))) return undefined;
    named.set(`${limit} ${key}`, { limit, key });
  }
  return [...named.values()];
}
