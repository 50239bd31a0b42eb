import type { Envelope } from '@brokkr/core/adapter';
import type { OpenedBroker } from '../app/open-broker.ts';
import { moment } from '../terminal/spans.ts';
import { table } from '../terminal/table.ts';

/** Dead letters of one queue and task that died of errors with the same text, but for numbers and ids. */
export interface LetterGroup {
  readonly queue: string;
  readonly task: string;
  /** The reason, with `#` for numbers and ids. */
  readonly error: string;
  readonly count: number;
  /** Epoch milliseconds. Left out if no letter says when it died. */
  readonly firstAt?: number;
  readonly lastAt?: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Groups that are remembered, so that errors without end take no memory without end. */
const MOST_GROUPS = 10_000;

/** Groups dead letters by queue, task and error. */
export class LetterGroups {
  readonly #tools: Pick<OpenedBroker, 'adapter' | 'core'>;
  readonly #groups = new Map<string, Mutable<LetterGroup>>();

  constructor(tools: Pick<OpenedBroker, 'adapter' | 'core'>) {
    this.#tools = tools;
  }

  add(queue: string, letter: Envelope): void {
    const { adapter, core } = this.#tools;
    const { task, reason, deadAt } = core.readDeadLetter(letter);
    let error = adapter.errorGroup(reason);
    let key = JSON.stringify([queue, task, error]);
    if (!this.#groups.has(key) && this.#groups.size >= MOST_GROUPS) {
      error = '(other errors)';
      key = JSON.stringify([queue, task, error]);
    }
    const group = this.#groups.get(key) ?? { queue, task, error, count: 0 };
    this.#groups.set(key, group);
    group.count++;
    if (deadAt === undefined) return;
    group.firstAt = Math.min(group.firstAt ?? deadAt, deadAt);
    group.lastAt = Math.max(group.lastAt ?? deadAt, deadAt);
  }

  /** The largest first. */
  get all(): readonly LetterGroup[] {
    return [...this.#groups.values()].sort((one, other) => other.count - one.count);
  }
}

/** Groups that a table shows. */
const MOST_SHOWN = 50;
const ERROR_LENGTH = 100;

/** @param looked letters that were looked at @param isAll whether there are no others */
export function groupTable(groups: readonly LetterGroup[], looked: number, isAll: boolean): string {
  const of = isAll ? '' : `of the first ${looked} dead letters; --limit looks at more`;
  if (groups.length === 0) return `no dead letter matches${of === '' ? '' : ` ${of}`}`;
  const rows = groups
    .slice(0, MOST_SHOWN)
    .map(({ queue, task, error, count, firstAt, lastAt }) => [
      count,
      queue,
      task,
      error.length > ERROR_LENGTH ? `${error.slice(0, ERROR_LENGTH - 1)}…` : error,
      moment(firstAt),
      moment(lastAt),
    ]);
  const lines = [table(['letters', 'queue', 'task', 'error', 'first died', 'last died'], rows)];
  if (groups.length > MOST_SHOWN) lines.push(`… ${groups.length - MOST_SHOWN} more groups; --json has all`);
  if (of !== '') lines.push(of);
  return lines.join('\n');
}
