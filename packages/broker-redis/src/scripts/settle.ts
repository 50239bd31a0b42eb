import { COUNT, FREE_KEY, HOLDS, LAST_FENCE, RING, SERVER_TIME } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Ends deliveries. ARGV for each settlement: kind (retry, dead-letter, release, expire, cancel), id, fence, bytes of the
 * replacement or '', delay in ms, and '' or the key of a debounced message: its digest, a space, how long it is kept in ms,
 * and ' ran' if it has run. If a later message has the key, the message is not put back, and counts as acknowledged. Returns
 * the numbers (from 1) of those whose lease was lost; for these nothing changes.
 * The first write is a delete, so that the script also runs when the server is full.
 */
export const settle = queueScript(`${SERVER_TIME}${RING}${COUNT}${LAST_FENCE}${HOLDS}${FREE_KEY}
for _, hash in ipairs({ messages, held, crashes, counts, letters }) do redis.call('HLEN', hash) end
for _, set in ipairs({ leases, delayed, dead }) do redis.call('ZCARD', set) end
redis.call('LLEN', ready)
lastFence()
local lost, rings = {}, false
local function text(number) return string.format('%.0f', number) end
-- Whether a message may be put back: no later message has its debounced key. One that has run is due at 0 in its key.
local function keepsKey(id, join, due)
  local digest, life, ran = string.match(join, '^(%x+) (%d+)( ?%l*)$')
  if not digest then return true end
  local key = q .. ':join:' .. digest
  local found = redis.pcall('GET', key)
  local first, holder = string.match(type(found) == 'string' and found or '', '^=(%d+) %d+ (.+)$')
  if holder and holder ~= id then return false end
  local value = '=' .. (first or text(now)) .. ' ' .. (ran == ' ran' and '0' or text(due)) .. ' ' .. id
  redis.call('SET', key, value, 'PX', text(math.max(0, due - now) + tonumber(life)))
  return true
end
for i = 1, #ARGV, 6 do
  local kind, id, fence, bytes, delay = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], tonumber(ARGV[i + 4])
  if not holds(id, fence) then
    lost[#lost + 1] = (i + 5) / 6
  else
    redis.call('ZREM', leases, id)
    redis.call('HDEL', held, id)
    if kind == 'retry' and not keepsKey(id, ARGV[i + 5], nowUp + delay) then
      redis.call('HDEL', messages, id)
      redis.call('HDEL', crashes, id)
      count('acknowledged', 1)
    elseif kind == 'retry' then
      redis.call('HSET', messages, id, bytes)
      if delay > 0 then redis.call('ZADD', delayed, nowUp + delay, id) else redis.call('RPUSH', ready, id) end
      rings = true
    elseif kind == 'release' then
      redis.call('LPUSH', ready, id)
      rings = true
    elseif kind == 'dead-letter' then
      redis.call('HDEL', messages, id)
      redis.call('HDEL', crashes, id)
      -- An older letter of this id is replaced. It counts as discarded, so that counts are conserved.
      if redis.call('HSET', letters, id, bytes) == 0 then count('discarded', 1) end
      -- The score is the order of death.
      redis.call('ZADD', dead, redis.call('INCR', fences), id)
    else
      freeKey(id, redis.call('HGET', messages, id))
      redis.call('HDEL', messages, id)
      redis.call('HDEL', crashes, id)
      count(kind == 'cancel' and 'cancelled' or 'expired', 1)
    end
  end
end
if rings then ring() end
return lost
`);
