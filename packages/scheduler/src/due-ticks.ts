import { createHash } from 'node:crypto';
import type { JobDefinition } from './define-job.ts';

/** Ticks looked at in one turn when a scheduler comes back after a long time; the next turn looks at the rest. */
const MOST_AT_ONCE = 1_000;
/** A timer is late by some milliseconds always: no grace is shorter than this. */
const LEAST_GRACE_MS = 1_000;

/** Ticks whose time has come, oldest first. */
export interface Due {
  readonly ticks: readonly number[];
  /** There are others after them. */
  readonly more: boolean;
}

/** When the ticks of a job are to be sent, and until when they may be. */
export class DueTicks {
  readonly #job: JobDefinition;
  readonly #graceMs: number;

  constructor(job: JobDefinition) {
    this.#job = job;
    this.#graceMs = Math.max(LEAST_GRACE_MS, job.graceMs);
  }

  /** Those after `last`. */
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
    return now - this.dueAt(tick) > this.#graceMs;
  }

  /** Every tick up to this instant is too late. */
  endOfGrace(now: number): number {
    return now - this.#graceMs - this.#job.jitterMs - 1;
  }

  /**
   * The jitter of a tick is drawn from its id: the same in every process. It ends before the next tick, so that ticks
   * keep their order and none is late for the jitter of another.
   */
  dueAt(tick: number): number {
    const { id, jitterMs, trigger } = this.#job;
    if (jitterMs === 0) return tick;
    const next = trigger.next(tick) ?? Number.POSITIVE_INFINITY;
    const draw = createHash('sha1').update(tickId(id, tick)).digest().readUInt32BE(0) / 2 ** 32;
    return tick + Math.floor(draw * Math.min(jitterMs + 1, next - tick));
  }
}

export function tickId(id: string, tick: number): string {
  return `tick:${id}:${tick}`;
}
