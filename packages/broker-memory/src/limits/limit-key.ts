import type { Waiter } from '@brokkr/core/adapter';
import type { KeyClock } from './key-clock.ts';
import type { RateLine } from './rate-line.ts';
import type { SlotLine } from './slot-line.ts';

/** The shortest wait, in milliseconds: below that two instants are the same. */
export const SHORTEST_MS = 0.001;

/** One key of a limit. */
export interface LimitKey {
  readonly limit: string;
  readonly key: string;
  readonly clock: KeyClock;
  readonly slots: SlotLine;
  readonly rate: RateLine;
  /** Slots by the rule that was asked for last. */
  size: number;
  usedAt: number;
}

/** Messages that are next in line for free slots of these keys, and were not named before. */
export function nextOf(keys: Iterable<LimitKey>, now: number): readonly Waiter[] {
  return [...keys].flatMap(({ slots, size, clock }) => (clock.stoppedMs(now) > 0 ? [] : slots.next(size, now)));
}

/** The name of a queue has no space. */
export function placeOf({ queue, id }: Waiter): string {
  return `${queue} ${id}`;
}
