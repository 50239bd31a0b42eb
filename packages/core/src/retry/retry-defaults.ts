import type { Duration } from '../clock/duration.ts';

/** How long retries wait where nobody says otherwise. */
export const retryDefaults = { delay: '15s', max: '1h' } as const satisfies Record<string, Duration>;
