import type { MessageDetail } from '../../../src/api/types.ts';

/** `wait`: for its time or a free slot. `off`: between two attempts. */
export type LifePart = 'wait' | 'run' | 'off';

/** A part of the life of a message, in milliseconds since its begin. */
export interface LifeSpan {
  readonly part: LifePart;
  readonly from: number;
  readonly to: number;
}

/** What a message did since it was sent, or redriven: it waits, runs, and pauses between attempts. */
export interface Life {
  readonly spans: readonly LifeSpan[];
  readonly total: number;
  readonly isDead: boolean;
}

/** @returns `undefined` if it never ran, or a time is missing: of a crash, or of a run that an earlier version recorded */
export function lifeOf(message: MessageDetail, now: number): Life | undefined {
  const { sentAt, redriven, attempts, state, startedAt, deadAt, attempt, crashes } = message;
  const begin = redriven?.at ?? sentAt;
  if (begin === undefined || crashes !== undefined || (attempts.length === 0 && startedAt === undefined))
    return undefined;
  const isCutOff = attempts.some(({ attempt: number }, index) => number !== index + 1);
  if (isCutOff || attempts.some(({ ranMs }) => ranMs === undefined)) return undefined;
  const spans: LifeSpan[] = [];
  let at = 0;
  // Attempts run on several hosts, whose clocks differ: time never runs backwards here.
  const add = (part: LifePart, end: number) => {
    const to = Math.max(at, end - begin);
    if (to > at) spans.push({ part, from: at, to });
    at = to;
  };
  const idle = (before: number): LifePart => (before === 0 ? 'wait' : 'off');
  for (const [index, { at: endedAt, ranMs = 0 }] of attempts.entries()) {
    add(idle(index), endedAt - ranMs);
    add('run', endedAt);
  }
  if (state === 'running' && startedAt !== undefined) {
    add(idle(Math.max(attempts.length, attempt - 1)), startedAt);
    add('run', now);
  } else if (state !== 'dead') add('off', now);
  else if (deadAt !== undefined) add('off', deadAt);
  return at === 0 ? undefined : { spans, total: at, isDead: state === 'dead' };
}

/** Milliseconds of all spans of a part. */
export function sumOf({ spans }: Life, part: LifePart): number {
  return spans.filter((span) => span.part === part).reduce((sum, { from, to }) => sum + to - from, 0);
}
