import { HOLDS, KEYS_OF_QUEUE, RING, SERVER_TIME } from './parts.ts';
import { script } from './script.ts';

/**
 * ARGV for each settlement: kind (retry, dead-letter, release, expire), id, fence, bytes of the replacement or '',
 * delay in ms. Giving up the lease and what follows from it is one step. Answers the numbers of those whose lease was
 * lost (from 1). Every one begins with a delete, so that a full server lets it end.
 */
export const settle = script(`${KEYS_OF_QUEUE}${SERVER_TIME}${RING}${HOLDS}
local lost, rings = {}, false
for i = 1, #ARGV, 5 do
  local kind, id, fence, bytes, delay = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], tonumber(ARGV[i + 4])
  if not holds(id, fence) then
    lost[#lost + 1] = (i + 4) / 5
  else
    redis.call('ZREM', leases, id)
    redis.call('HDEL', held, id)
    if kind == 'retry' then
      redis.call('HSET', messages, id, bytes)
      if delay > 0 then redis.call('ZADD', delayed, nowUp + delay, id) else redis.call('RPUSH', ready, id) end
      rings = true
    elseif kind == 'release' then
      redis.call('LPUSH', ready, id)
      rings = true
    else
      redis.call('HDEL', messages, id)
      redis.call('HDEL', crashes, id)
      if kind == 'dead-letter' then
        -- One of that id that is dead already makes room: it counts as discarded, so that counts are conserved.
        if redis.call('HSET', letters, id, bytes) == 0 then redis.call('HINCRBY', counts, 'discarded', 1) end
        redis.call('ZADD', dead, redis.call('INCR', q .. ':fence'), id)
      else
        redis.call('HINCRBY', counts, 'expired', 1)
      end
    end
  end
end
if rings then ring() end
return lost
`);
