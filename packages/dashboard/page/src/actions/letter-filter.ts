import type { LetterQuery, MessagesPage } from '../../../src/api/types.ts';
import { type Params, apiUrl, get } from '../api/client.ts';
import { brokerPath } from './perform.ts';

/** Ages that lists are filtered by, as they are in the address. */
export const AGES = [
  ['', 'any time'],
  ['10m', 'last 10 min'],
  ['1h', 'last hour'],
  ['6h', 'last 6 h'],
  ['1d', 'last day'],
  ['7d', 'last 7 days'],
] as const;

const UNIT_MS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `1h` → the time an hour before `now`. The minute is kept whole, so that the address of a call stays the same for a while. */
export function sinceOf(text: string | undefined, now: number): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,4})([mhd])$/.exec(text ?? '') ?? [];
  const span = UNIT_MS[unit];
  if (amount === undefined || span === undefined) return undefined;
  return Math.floor((now - Number(amount) * span) / 60_000) * 60_000;
}

/** The filter that an address describes. */
export function filterOf(query: Readonly<Record<string, string>>, now: number): LetterQuery {
  const { task, error, group, text } = query;
  const since = sinceOf(query.since, now);
  return {
    ...(task !== undefined && { task }),
    ...(error !== undefined && { error }),
    ...(group !== undefined && { group }),
    ...(text !== undefined && { text }),
    ...(since !== undefined && { since }),
  };
}

/** A filter as parameters of a call. */
export function paramsOf(filter: LetterQuery): Params {
  const { task, error, group, text, since, until } = filter;
  return { task, error, group, text, since, until };
}

/** A filter in words, for a question. */
export function wordsOf(filter: LetterQuery, since: string | undefined): (readonly [string, string])[] {
  const words: (readonly [string, string | undefined])[] = [
    ['Task', filter.task],
    ['Error', filter.group ?? filter.error],
    ['Text', filter.text],
    ['Died', since === undefined ? undefined : AGES.find(([value]) => value === since)?.[1]],
  ];
  return words.filter((entry): entry is readonly [string, string] => entry[1] !== undefined);
}

/** Counts every dead letter that matches, page by page: one page looks at 10,000 at most. */
export async function countMatches(
  queue: string,
  filter: LetterQuery,
  onProgress: (looked: number, matched: number) => void,
  signal: AbortSignal,
): Promise<number> {
  let after: string | undefined;
  let looked = 0;
  let matched = 0;
  do {
    const params = { state: 'dead', limit: 200, ...paramsOf(filter), after };
    const page: MessagesPage = await get(apiUrl(brokerPath('queues', queue, 'messages'), params), signal);
    looked += page.looked;
    matched += page.matched;
    after = page.next;
    onProgress(looked, matched);
  } while (after !== undefined);
  return matched;
}
