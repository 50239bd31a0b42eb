import { SERVER_TIME } from './parts.ts';
import { script } from './script.ts';

/**
 * Reads, takes or moves the slot of an idempotency key. KEYS[1]: the slot. ARGV: queue, life in ms, then the generation
 * in which the key was left in the slot's queue, or ''. The slot moves to the queue if it still has that generation.
 *
 * Returns the queue that the key belongs to, the generation of the slot, 1 if the slot was taken or moved, and its age in
 * ms. A slot holds `=QUEUE GENERATION`; any other value is not ours and is overwritten. A generation is the server's time
 * in ms, and higher than the one before.
 */
export const keySlot = script(`${SERVER_TIME}
local found = redis.pcall('GET', KEYS[1])
local queue, generation = string.match(type(found) == 'string' and #found <= 140 and found or '', '^=([%w._-]+) (%d+)$')
if queue and #generation <= 15 and generation ~= ARGV[3] then
  return { queue, generation, 0, math.max(0, now - tonumber(generation)) }
end
local next = math.max(now, tonumber(queue and #generation <= 15 and generation or 0) + 1)
generation = string.format('%.0f', next)
redis.call('SET', KEYS[1], '=' .. ARGV[1] .. ' ' .. generation, 'PX', ARGV[2])
return { ARGV[1], generation, 1, 0 }
`);
