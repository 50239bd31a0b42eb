import { LAST_INSTANT, type Trigger } from './trigger.ts';

/** A tick every `periodMs`, counted from `anchor`: an instant that all schedulers know. */
export class IntervalTrigger implements Trigger {
  readonly isOnce = false;
  readonly words: string;
  readonly #periodMs: number;
  readonly #anchor: number;

  constructor(periodMs: number, anchor: number) {
    this.#periodMs = periodMs;
    this.#anchor = anchor;
    this.words = `every ${inWords(periodMs)}`;
  }

  next(instant: number): number | undefined {
    const passed = Math.floor((instant - this.#anchor) / this.#periodMs);
    const tick = this.#anchor + (Math.max(-1, passed) + 1) * this.#periodMs;
    return tick > LAST_INSTANT ? undefined : tick;
  }
}

/** One tick. */
export class DateTrigger implements Trigger {
  readonly isOnce = true;
  readonly words: string;
  readonly #at: number;

  constructor(at: number) {
    this.#at = at;
    this.words = `once at ${new Date(at).toISOString()}`;
  }

  next(instant: number): number | undefined {
    return this.#at > instant ? this.#at : undefined;
  }
}

/** The ticks of another trigger from `start` to `end`, both included. */
export class BoundedTrigger implements Trigger {
  readonly isOnce: boolean;
  readonly words: string;
  readonly #trigger: Trigger;
  readonly #start: number;
  readonly #end: number;

  constructor(trigger: Trigger, start: number, end: number) {
    this.#trigger = trigger;
    this.#start = start;
    this.#end = end;
    this.isOnce = trigger.isOnce;
    this.words = trigger.words;
  }

  next(instant: number): number | undefined {
    const tick = this.#trigger.next(Math.max(instant, this.#start - 1));
    return tick === undefined || tick > this.#end ? undefined : tick;
  }
}

const UNITS = [
  ['week', 604_800_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
  ['millisecond', 1],
] as const;

function inWords(ms: number): string {
  const parts: string[] = [];
  let left = ms;
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) parts.push(`${count} ${unit}${count === 1 ? '' : 's'}`);
  }
  return parts.join(' ');
}
