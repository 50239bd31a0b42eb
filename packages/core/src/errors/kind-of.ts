import { isA } from './is-a.ts';

type Kind = readonly [type: abstract new (...args: never[]) => object, told: string];

const KINDS: readonly Kind[] = [
  [Array, 'a list'],
  [Map, 'a Map'],
  [Set, 'a Set'],
  [Promise, 'a promise'],
];

/** Returns the kind of a value for a message: `a string`, `a Map`, `null`. Never the value, which may be a secret. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  return KINDS.find(([type]) => isA(value, type))?.[1] ?? 'an object';
}

const LONGEST_SHOWN = 60;

/**
 * Returns a value for a message if it is a string or a number, with quotes for a string (`"3"`, not 3); otherwise its
 * kind. For values that are not secret.
 */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, LONGEST_SHOWN));
  return typeof value === 'number' ? String(value) : kindOf(value);
}
