import { queueScript } from './script.ts';

/**
 * Leaves an idempotency key that belongs to this queue, so that it can move to another one. ARGV: digest, generation, life
 * of the mark in ms. Returns the id of the message that has the key: it cannot move. Else returns '', and from then on
 * `publish` refuses senders that found this queue in the slot of this or an older generation.
 */
export const leaveKey = queueScript(`
local key = q .. ':key:' .. ARGV[1]
local found = redis.pcall('GET', key)
local holder = type(found) == 'string' and string.match(found, '^=(.+)$')
if holder then return holder end
local left = tonumber(string.match(type(found) == 'string' and found or '', '^>(%d+)$') or 0)
redis.call('SET', key, '>' .. string.format('%.0f', math.max(left, tonumber(ARGV[2]))), 'PX', ARGV[3])
return ''
`);
