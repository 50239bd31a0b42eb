import { createHash } from 'node:crypto';
import type { JobDefinition } from './define-job.ts';

/** Most ticks in one round, when a scheduler comes back after a long time. The next round takes further ones. */
const MOST_AT_ONCE = 1_000;
/** Least time that a tick may be late: every timer is late by some milliseconds. */
const LEAST_GRACE_MS = 1_000;

/** Ticks that are due, oldest first. */
export interface Due {
  readonly ticks: readonly number[];
  /** Whether later ticks are due too. */
  readonly more: boolean;
}

/** When the ticks of a job are due, and until when they may be sent. */
export class DueTicks {
  /** How late a tick may be sent. */
  readonly graceMs: number;
  readonly #job: JobDefinition;

  constructor(job: JobDefinition) {
    this.#job = job;
    this.graceMs = Math.max(LEAST_GRACE_MS, job.graceMs);
  }

  /** Returns the ticks after `last` that are due. */
  since(last: number, now: number): Due {
    const { trigger } = this.#job;
    const ticks: number[] = [];
    for (let tick = trigger.next(last); tick !== undefined; tick = trigger.next(tick)) {
      if (this.dueAt(tick) > now) break;
      if (ticks.length === MOST_AT_ONCE) return { ticks, more: true };
      ticks.push(tick);
    }
    return { ticks, more: false };
  }

  isTooLate(tick: number, now: number): boolean {
    return now - this.dueAt(tick) > this.graceMs;
  }

  /** Returns an instant up to which every tick is too late. */
  endOfGrace(now: number): number {
    return now - this.graceMs - this.#job.jitterMs - 1;
  }

  /**
   * Returns when a tick is due: its instant and its jitter. The jitter is computed from the id of the tick, and is
   * therefore equal in every process. It ends before the next tick, which keeps the ticks in order.
   */
  dueAt(tick: number): number {
    const { id, jitterMs, trigger } = this.#job;
    if (jitterMs === 0) return tick;
    const next = trigger.next(tick) ?? Number.POSITIVE_INFINITY;
    const draw = createHash('sha1').update(tickId(id, tick)).digest().readUInt32BE(0) / 2 ** 32;
    return tick + Math.floor(draw * Math.min(jitterMs + 1, next - tick));
  }
}

/** The name of a tick: the same in every process. */
export function tickId(id: string, tick: number): string {
  return `tick:${id}:${tick}`;
}
