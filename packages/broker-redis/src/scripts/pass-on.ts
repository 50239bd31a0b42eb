import { KEYS_OF_QUEUE, RING } from './parts.ts';
import { script } from './script.ts';

/** Rings again for somebody else, where there is anything to come for. */
export const passOn = script(`${KEYS_OF_QUEUE}${RING}
if redis.call('EXISTS', ready, delayed) > 0 then ring() end
return 0
`);
