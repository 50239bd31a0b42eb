import type { Keys } from '../keys.ts';

/** The keys of limits of one call: its arguments name them by number. */
export class NumberedKeys {
  readonly #keys: Keys;
  readonly #numbers = new Map<string, string>();

  constructor(keys: Keys) {
    this.#keys = keys;
  }

  /** The number of a key, from 1. */
  numberOf(limit: string, key: string): string {
    const name = this.#keys.limit(limit, key);
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = String(this.#numbers.size + 1);
    this.#numbers.set(name, number);
    return number;
  }

  names(): readonly string[] {
    return [...this.#numbers.keys()];
  }
}
