import type { Inspector } from '@brokkr/core/adapter';
import type { QueueRow, TaskRow, Warning } from '../api/types.ts';
import { messageRow, type View } from '../payload/message-row.ts';
import { Redactor } from '../payload/redactor.ts';
import type { Burst } from './warnings.ts';

/** Letters that are read of a queue in which messages died, and queues that are read in one sample. */
const LETTERS = 50;
const QUEUES = 5;
const BURST_MS = 600_000;
/** Letters of crashes that are warnings, the newest ones. */
const MOST_CRASHED = 20;
/** As workers write the reasons of messages that crashed them. */
const CRASHED = /^crashed: |: \d+ deliveries ended with a lost lease or a dead worker$/;
const MOST_TASKS = 2_000;

interface Death {
  readonly task: string;
  readonly group: string;
  readonly id: string;
  readonly reason: string;
  readonly at: number | undefined;
}

/** Nothing of bodies is shown here. */
const VIEW: View = { redactor: new Redactor(undefined), payloads: false };

/** Reads the newest dead letters of queues in which messages die: the last error of each task, and the cause of a burst. */
export class RecentDeaths {
  /** By queue and task, with a space between. */
  readonly lastErrors = new Map<string, NonNullable<TaskRow['lastError']>>();
  readonly #counts = new Map<string, number>();
  readonly #deaths = new Map<string, readonly Death[]>();

  async read(inspector: Inspector | undefined, rows: Iterable<QueueRow>): Promise<void> {
    if (inspector?.browsing !== 'free') return;
    const changed = [...rows].filter(({ name, counts }) => (counts.dead ?? 0) !== (this.#counts.get(name) ?? 0));
    await Promise.all(changed.slice(0, QUEUES).map((row) => this.#readQueue(inspector, row)));
  }

  /** A burst in words, with the error that most of its letters died of. */
  warning({ queue, added, isCounted, since }: Burst, at: number): Warning {
    const recent = (this.#deaths.get(queue) ?? []).filter((death) => (death.at ?? at) > at - BURST_MS);
    const groups = new Map<string, { readonly death: Death; count: number }>();
    for (const death of recent) {
      const key = `${death.task} ${death.group}`;
      const group = groups.get(key) ?? { death, count: 0 };
      group.count++;
      groups.set(key, group);
    }
    const [most] = [...groups.values()].sort((a, b) => b.count - a.count);
    const what = isCounted ? 'messages died in 10 minutes' : 'more dead letters within 10 minutes';
    const of = most === undefined ? '' : `, ${most.count} of the last ${recent.length} of "${most.death.group}"`;
    return {
      severity: 'error',
      code: 'DEAD_BURST',
      message: `${added} ${what}${of}`,
      queue,
      count: added,
      // Not the time of the oldest of these letters: it may have died before those that were counted.
      since,
      ...(most !== undefined && { task: most.death.task, error: most.death.group }),
    };
  }

  /** Dead letters that crashed workers, newest first: each is a warning until it is retried or discarded. */
  crashes(): readonly Warning[] {
    return [...this.#deaths]
      .flatMap(([queue, deaths]) => deaths.map((death) => ({ ...death, queue })))
      .filter(({ reason }) => CRASHED.test(reason))
      .sort((a, b) => (b.at ?? 0) - (a.at ?? 0))
      .slice(0, MOST_CRASHED)
      .map(({ queue, task, id, reason, at }) => ({
        severity: 'error',
        code: 'DEAD_CRASHED',
        message: `message ${id} of ${task === '' ? 'an unknown task' : task} ${reason}`,
        ...{ queue, task, id },
        ...(at !== undefined && { since: at }),
      }));
  }

  async #readQueue(inspector: Inspector, { name, counts }: QueueRow): Promise<void> {
    const { dead = 0 } = counts;
    if (dead === 0) {
      this.#counts.delete(name);
      this.#deaths.delete(name);
      return;
    }
    // A queue that cannot be read is reported by its counts, and read again.
    const page = await inspector.page(name, 'dead', { limit: LETTERS, from: 'newest' }).catch(() => undefined);
    if (page === undefined) return;
    this.#counts.set(name, dead);
    const deaths = page.items.map(({ envelope }) => {
      const { id, task, group = '', reason = '', deadAt } = messageRow({ queue: name, state: 'dead', envelope }, VIEW);
      return { id, task, group, reason, at: deadAt };
    });
    this.#deaths.set(name, deaths);
    for (const { task, group, at } of deaths.toReversed()) this.#noteError(`${name} ${task}`, group, at);
  }

  #noteError(key: string, error: string, at: number | undefined): void {
    if (this.lastErrors.size >= MOST_TASKS && !this.lastErrors.has(key)) return;
    this.lastErrors.set(key, at === undefined ? { error } : { error, at });
  }
}
