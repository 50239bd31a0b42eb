import { now } from '../api/clock.ts';
import { session } from '../api/session.ts';

/** Spans of time that charts show, in minutes. */
export const RANGES = [
  ['10', 'Last 10 min'],
  ['30', 'Last 30 min'],
  ['60', 'Last hour'],
] as const;

/** The shortest span that holds the whole history, which is as long as the dashboard runs. */
export function usualRange(): string {
  const age = (now.value - (session.value?.startedAt ?? 0)) / 60_000;
  return RANGES.find(([minutes]) => Number(minutes) >= age)?.[0] ?? '60';
}
