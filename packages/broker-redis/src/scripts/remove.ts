import { COUNT, FREE_KEY, GAPS } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Removes messages that are ready or delayed, counts them, and frees their idempotency keys. ARGV: counter, then ids.
 * Returns the removed ids. A ready message leaves a gap, which is closed at once at the ends of the line.
 */
export const remove = queueScript(`${COUNT}${GAPS}${FREE_KEY}
local removed, gaps = {}, 0
for _, hash in ipairs({ messages, held, crashes, counts }) do redis.call('HLEN', hash) end
redis.call('ZCARD', delayed)
redis.call('LLEN', ready)
for i = 2, #ARGV do
  local id = ARGV[i]
  local bytes = redis.call('HGET', messages, id)
  local wasDelayed = redis.call('ZREM', delayed, id) == 1
  if wasDelayed or (bytes and bytes ~= '' and redis.call('HEXISTS', held, id) == 0) then
    freeKey(id, bytes)
    redis.call('HDEL', crashes, id)
    if wasDelayed then
      redis.call('HDEL', messages, id)
    else
      redis.call('HSET', messages, id, '')
      gaps = gaps + 1
    end
    removed[#removed + 1] = id
  end
end
if #removed > 0 then count(ARGV[1], #removed) end
if gaps > 0 then
  count('gaps', gaps)
  local function closeAt(place)
    for _ = 1, 1000 do
      local id = redis.call('LINDEX', ready, place)
      if not id or not isGap(id) then return end
      if place == 0 then redis.call('LPOP', ready) else redis.call('RPOP', ready) end
      closeGap(id)
    end
  end
  closeAt(0)
  closeAt(-1)
end
return removed
`);
