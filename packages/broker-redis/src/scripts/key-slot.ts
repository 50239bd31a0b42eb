import { script } from './script.ts';

/**
 * Reads or takes the slot of an idempotency key. KEYS[1]: the slot. ARGV: queue, life in ms. Answers the queue that the key
 * belongs to, and 1 if it belongs to it only from now on. A slot holds `=QUEUE`; any other value is not ours and is
 * overwritten.
 */
export const keySlot = script(`
local found = redis.pcall('GET', KEYS[1])
local queue = type(found) == 'string' and #found <= 121 and string.match(found, '^=([%w._-]+)$')
if queue then return { queue, 0 } end
redis.call('SET', KEYS[1], '=' .. ARGV[1], 'PX', ARGV[2])
return { ARGV[1], 1 }
`);
