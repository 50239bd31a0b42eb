import { type Envelope, type Inspector, PAGE_LIMIT } from '@brokkr/core/adapter';
import type { DeadGroup } from '../api/types.ts';
import { messageRow, type View } from '../payload/message-row.ts';
import { Redactor } from '../payload/redactor.ts';
import { barMsOf, deathBars } from './death-bars.ts';

/** Letters that are grouped in one answer, and for how long they are read. */
const MOST_LOOKED = 10_000;
const LONGEST_MS = 200;
const MOST_GROUPS = 500;

const VIEW: View = { redactor: new Redactor(undefined), payloads: false };

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Groups dead letters by queue, task and error. */
export class DeadGrouping {
  looked = 0;
  /** Whether every letter was looked at. */
  isComplete = false;
  readonly #groups = new Map<string, Mutable<Omit<DeadGroup, 'deaths'>> & { readonly deaths: number[] }>();

  add(queue: string, letter: Envelope): void {
    this.looked++;
    // The body is not needed, and may be large.
    const envelope = { ...letter, body: NO_BODY };
    const { task, group = '', reason = '', deadAt, redriven } = messageRow({ queue, state: 'dead', envelope }, VIEW);
    const key = JSON.stringify([queue, task, group]);
    let known = this.#groups.get(key);
    if (known === undefined) {
      known = { queue, task, error: group, example: reason, count: 0, redriven: 0, deaths: [] };
      this.#groups.set(key, known);
    }
    known.count++;
    if (redriven !== undefined) known.redriven++;
    if (deadAt === undefined) return;
    known.deaths.push(deadAt);
    known.firstAt = Math.min(known.firstAt ?? deadAt, deadAt);
    known.lastAt = Math.max(known.lastAt ?? deadAt, deadAt);
  }

  /** Largest group first. @param at end of the bars */
  groups(at: number): { readonly items: readonly DeadGroup[]; readonly barMs: number } {
    const groups = [...this.#groups.values()].sort((a, b) => b.count - a.count).slice(0, MOST_GROUPS);
    const barMs = barMsOf(
      groups.flatMap(({ deaths }) => deaths),
      at,
    );
    return { items: groups.map((group) => ({ ...group, deaths: deathBars(group.deaths, { barMs, at }) })), barMs };
  }
}

const NO_BODY = new Uint8Array();

/** Reads the newest letters of some queues, in turn, until all were read or there is no more time. */
export async function groupLetters(
  inspector: Inspector,
  queues: readonly string[],
  matches: (queue: string, letter: Envelope) => boolean,
): Promise<DeadGrouping> {
  const grouping = new DeadGrouping();
  const giveUpAt = performance.now() + LONGEST_MS;
  let left = queues.map((queue) => ({ queue, after: undefined as string | undefined }));
  while (left.length > 0 && grouping.looked < MOST_LOOKED && performance.now() < giveUpAt) {
    const going: typeof left = [];
    let isCut = false;
    for (const { queue, after } of left) {
      isCut = grouping.looked >= MOST_LOOKED || performance.now() > giveUpAt;
      if (isCut) break;
      const page = await inspector.page(queue, 'dead', { limit: PAGE_LIMIT, from: 'newest', after });
      for (const { envelope } of page.items) {
        if (matches(queue, envelope)) grouping.add(queue, envelope);
        else grouping.looked++;
      }
      if (page.next !== undefined) going.push({ queue, after: page.next });
    }
    left = going;
    grouping.isComplete = going.length === 0 && !isCut;
  }
  return grouping;
}
