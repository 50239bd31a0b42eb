import type { Envelope, LetterChoice } from '@brokkr/core/adapter';
import type { Adapter } from '../app/open-broker.ts';
import { UsageError } from '../exit.ts';

/** Options that choose dead letters. */
export interface LetterOptions {
  readonly task?: string;
  readonly error?: string;
  readonly since?: string;
  readonly olderThan?: string;
  readonly limit?: number | undefined;
}

/** Most task names that are remembered, for the error about an unknown one. */
const MOST_TASKS = 1_000;

/** Chooses dead letters by their task, reason and age, and notes which tasks they belong to. */
export class LetterChooser {
  /** Whether a condition was given. */
  readonly hasCondition: boolean;
  /** Tasks of the letters that were looked at. */
  readonly tasks = new Set<string>();
  readonly #matches: (letter: Envelope) => boolean;
  readonly #taskHeader: string;
  readonly #limit: number;
  #chosen = 0;

  /** @throws ConfigError (`DURATION_INVALID`) if `since` or `olderThan` is not a duration */
  constructor(adapter: Adapter, { task, error, since, olderThan, limit }: LetterOptions, now: number) {
    const diedAfter = since === undefined ? undefined : now - adapter.toMs(since, '--since');
    const diedBefore = olderThan === undefined ? undefined : now - adapter.toMs(olderThan, '--older-than');
    this.hasCondition = [task, error, since, olderThan].some((condition) => condition !== undefined);
    this.#taskHeader = adapter.TASK_HEADER;
    this.#limit = limit ?? Number.POSITIVE_INFINITY;
    this.#matches = adapter.letterFilter({ task, error, diedAfter, diedBefore });
  }

  /** Letters that were chosen so far. */
  get chosen(): number {
    return this.#chosen;
  }

  get isFull(): boolean {
    return this.#chosen >= this.#limit;
  }

  /** Whether a letter is chosen: it matches, and the limit is not reached. */
  chooses(letter: Envelope): boolean {
    if (this.tasks.size < MOST_TASKS) this.tasks.add(String(letter.headers[this.#taskHeader] ?? ''));
    if (this.isFull || !this.#matches(letter)) return false;
    this.#chosen++;
    return true;
  }

  /** The letters for `redrive` and `discard`: `'all'` if no letter is left out. */
  get choice(): LetterChoice {
    if (!this.hasCondition && this.#limit === Number.POSITIVE_INFINITY) return 'all';
    return (letter) => this.chooses(letter);
  }
}

/** @throws UsageError unless exactly one of ids, `--all` and conditions says which letters are meant */
export function checkSelection(command: string, ids: readonly string[], all: boolean, hasCondition: boolean): void {
  if (ids.length > 0 && all) throw new UsageError(`${command}: both ids and --all were given; leave out one of them`);
  if (ids.length > 0 && hasCondition) {
    throw new UsageError(`${command}: both ids and a filter were given; leave out one of them`);
  }
  if (ids.length > 0 || all || hasCondition) return;
  throw new UsageError(`${command}: give ids, a filter (--task, --error, --since, --older-than), or --all`);
}
