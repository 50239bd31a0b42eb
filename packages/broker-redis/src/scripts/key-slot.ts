import { script } from './script.ts';

/**
 * KEYS[1]: slot of an idempotency key. ARGV: queue, life in ms. Answers the queue that the key belongs to, and 1 where
 * it does from now on.
 */
export const keySlot = script(`
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return { ARGV[1], 1 } end
return { redis.call('GET', KEYS[1]), 0 }
`);
