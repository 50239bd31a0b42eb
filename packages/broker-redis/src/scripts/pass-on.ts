import { RING } from './parts.ts';
import { queueScript } from './script.ts';

/** Rings again for another consumer, if there is a message to claim. */
export const passOn = queueScript(`${RING}
if redis.call('EXISTS', ready, delayed) > 0 then ring() end
return 0
`);
