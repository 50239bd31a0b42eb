import { kindOf } from './kind-of.ts';

const LONGEST_MESSAGE_KEY = 256;
/** With the flag `u`, a pair is one character, and matches nothing. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Says why a value cannot be a key; `undefined` if it is one. All lone surrogates are the same character in UTF-8, so on a
 * server two keys with them would be one.
 * @param longest most characters; by default those of the key of a message
 */
export function keyProblem(key: unknown, longest = LONGEST_MESSAGE_KEY): string | undefined {
  const wanted = `must be a string of 1 to ${longest} characters`;
  if (typeof key !== 'string') return `${wanted}; got ${kindOf(key)}`;
  if (key.length === 0 || key.length > longest) return `${wanted}; got ${key.length} characters`;
  return LONE_SURROGATE.test(key) ? `${wanted}; got half of a surrogate pair` : undefined;
}
