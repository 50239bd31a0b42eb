import type { Overview } from '../../../src/api/types.ts';
import { timeOfDay } from '../text/clock-time.ts';
import { count } from '../text/number.ts';

/** The line below the number of dead letters. */
export interface DeadNote {
  /** How the number changed, with its sign. */
  readonly change?: string;
  readonly text: string;
}

/** How the number of dead letters changed: in the last hour, or since the dashboard looks. @returns `undefined` if unknown */
export function deadNote({
  deadAdded,
  deadSince,
  deadNew = -1,
}: Pick<Overview, 'deadAdded' | 'deadSince' | 'deadNew'>): DeadNote | undefined {
  if (deadAdded === undefined) return undefined;
  const when = deadSince === undefined ? 'in the last hour' : `since ${timeOfDay(deadSince, false)}`;
  if (deadAdded === 0 && deadNew === 0) return { text: `none new ${when}` };
  // Letters that died, of which some were retried, discarded or moved.
  const died = deadNew > Math.max(0, deadAdded) ? `, ${count(deadNew)} died` : '';
  const sign = deadAdded > 0 ? '+' : deadAdded < 0 ? '−' : '±';
  return { change: `${sign}${count(Math.abs(deadAdded))}`, text: when + died };
}
