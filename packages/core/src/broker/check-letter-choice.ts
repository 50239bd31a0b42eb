import { ConfigError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';
import type { LetterChoice } from './inspector.ts';

/**
 * Checks which dead letters `redrive` or `discard` is to change, before the first one is changed: a caller without types may
 * have left it out.
 * @throws ConfigError (`LETTER_CHOICE_INVALID`)
 */
export function checkLetterChoice(which: unknown): asserts which is LetterChoice {
  if (which === 'all' || typeof which === 'function') return;
  if (Array.isArray(which) && which.every((id) => typeof id === 'string')) return;
  throw new ConfigError(
    `which dead letters: give a list of ids, 'all', or a function that returns true for those; got ${shown(which)}`,
    { code: 'LETTER_CHOICE_INVALID' },
  );
}
