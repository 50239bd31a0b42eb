import { isA } from './is-a.ts';

type Kind = readonly [type: abstract new (...args: never[]) => object, told: string];

const KINDS: readonly Kind[] = [
  [Array, 'a list'],
  [Map, 'a Map'],
  [Set, 'a Set'],
  [Promise, 'a promise'],
];

/** What a value is, for people: `a string`, `a Map`, `null`. Never the value itself, which may be a secret. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  return KINDS.find(([type]) => isA(value, type))?.[1] ?? 'an object';
}

const LONGEST_SHOWN = 60;

/** A value that is no secret, as it would be written: `"3"` is told from 3. Of what is no string or number, its kind. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, LONGEST_SHOWN));
  return typeof value === 'number' ? String(value) : kindOf(value);
}
