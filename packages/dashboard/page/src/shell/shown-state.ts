import type { Overview } from '../../../src/api/types.ts';

/** How the page gets its figures. */
export type ConnectionState = 'opening' | 'live' | 'polling' | 'stopped' | 'lost';

/** The same, and whether the dashboard reaches the broker. */
export type ShownState = ConnectionState | 'no-broker';

/** Updates that a person has stopped, and a dashboard that does not answer, say nothing about the broker now. */
export function shownState(state: ConnectionState, overview: Pick<Overview, 'error'> | undefined): ShownState {
  if ((state !== 'live' && state !== 'polling') || overview?.error === undefined) return state;
  return overview.error.code === 'BROKER_SILENT' ? 'opening' : 'no-broker';
}

/** Whether the figures are old because nothing newer arrives. */
export function isStale(state: ShownState): boolean {
  return state === 'lost' || state === 'no-broker';
}
