import type { Overview } from '../../../src/api/types.ts';
import { timeOfDay } from '../text/clock-time.ts';

/** How long deaths are a warning. */
const BURST_MS = 600_000;

/** The text in the list of warnings when it is empty. */
export function calmText({ at, lookedSince = at, error }: Pick<Overview, 'at' | 'lookedSince' | 'error'>): string {
  if (error !== undefined) return 'Unknown: the broker cannot be reached.';
  const when = at - lookedSince < BURST_MS ? `since ${timeOfDay(lookedSince, false)}` : 'in the last 10 minutes';
  return `Nothing needs a look: every queue is served, and no queue got 10 dead letters ${when}.`;
}
