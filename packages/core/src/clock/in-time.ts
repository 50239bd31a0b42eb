import type { Clock } from './clock.ts';
import { pause } from './pause.ts';

/** Resolves with the end of `work`, or after `ms` milliseconds if that comes first. Rejects if `work` rejects before. */
export async function inTime(work: Promise<unknown>, ms: number, clock: Clock): Promise<void> {
  const ended = new AbortController();
  try {
    await Promise.race([work, pause(clock, ms, ended.signal)]);
  } finally {
    ended.abort();
  }
}
