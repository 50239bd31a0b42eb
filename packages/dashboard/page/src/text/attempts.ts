import type { MessageRow } from '../../../src/api/types.ts';
import { count } from './number.ts';

/** How many attempts of a dead letter ended, and how often it crashed: a crash ends no attempt. */
export function attemptsOf({ attempt, crashes = 0 }: Pick<MessageRow, 'attempt' | 'crashes'>): string {
  if (crashes === 0) return count(attempt);
  return attempt === 0 ? crashed(crashes) : `${count(attempt)}, ${crashed(crashes)}`;
}

/** `crashed once`, `crashed 3 times`: as in `brokkr dead`. */
export function crashed(times: number): string {
  return `crashed ${times === 1 ? 'once' : `${count(times)} times`}`;
}
