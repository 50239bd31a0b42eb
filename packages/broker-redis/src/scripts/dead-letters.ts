import { COUNT, FREE_KEY, GAPS, LAST_FENCE, RING } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Puts dead letters back behind the ready messages. ARGV: pairs of id and bytes. Returns how many letters are dead no
 * longer. If a message of the same id was sent since, that one stays, and the letter counts as discarded. A letter whose
 * id is in line without a message takes that place.
 */
export const redrive = queueScript(`${RING}${COUNT}${GAPS}
redis.call('LLEN', ready)
for _, hash in ipairs({ messages, letters, counts }) do redis.call('HLEN', hash) end
redis.call('ZCARD', dead)
local redriven = 0
for i = 1, #ARGV, 2 do
  local id = ARGV[i]
  if redis.call('ZREM', dead, id) == 1 then
    redis.call('HDEL', letters, id)
    if redis.call('HSETNX', messages, id, ARGV[i + 1]) == 1 then
      redis.call('RPUSH', ready, id)
    elseif isGap(id) then
      redis.call('HSET', messages, id, ARGV[i + 1])
      countGapClosed()
    else
      count('discarded', 1)
    end
    redriven = redriven + 1
  end
end
if redriven > 0 then ring() end
return redriven
`);

/** Stores dead letters of another broker; one whose id is stored stays. ARGV: pairs of id and bytes. They count as published. */
export const bury = queueScript(`${COUNT}${LAST_FENCE}
lastFence()
redis.call('HLEN', counts)
redis.call('ZCARD', dead)
local buried = 0
for i = 1, #ARGV, 2 do
  if redis.call('HSETNX', letters, ARGV[i], ARGV[i + 1]) == 1 then
    redis.call('ZADD', dead, redis.call('INCR', fences), ARGV[i])
    buried = buried + 1
  end
end
if buried > 0 then count('published', buried) end
return buried
`);

/** Removes dead letters, counts them, and frees their idempotency keys. ARGV: ids. Returns how many. */
export const discard = queueScript(`${COUNT}${FREE_KEY}
redis.call('HLEN', counts)
redis.call('ZCARD', dead)
local bytes = redis.call('HMGET', letters, unpack(ARGV))
local alive = redis.call('HMGET', messages, unpack(ARGV))
for i, id in ipairs(ARGV) do
  -- A message of this id that was sent meanwhile holds the key.
  if not alive[i] or alive[i] == '' then freeKey(id, bytes[i]) end
end
local gone = redis.call('ZREM', dead, unpack(ARGV))
redis.call('HDEL', letters, unpack(ARGV))
if gone > 0 then count('discarded', gone) end
return gone
`);
