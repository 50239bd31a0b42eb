import { COUNT, FREE_KEY } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Removes messages that are ready or delayed, counts them, and frees their idempotency keys. ARGV: counter, then ids.
 * Answers the removed ids.
 */
export const remove = queueScript(`${COUNT}${FREE_KEY}
local removed = {}
for _, hash in ipairs({ messages, held, crashes, counts }) do redis.call('HLEN', hash) end
redis.call('ZCARD', delayed)
redis.call('LLEN', ready)
for i = 2, #ARGV do
  local id = ARGV[i]
  local bytes = redis.call('HGET', messages, id)
  if redis.call('ZREM', delayed, id) == 1
    or (bytes and redis.call('HEXISTS', held, id) == 0 and redis.call('LREM', ready, 1, id) == 1) then
    freeKey(id, bytes)
    redis.call('HDEL', messages, id)
    redis.call('HDEL', crashes, id)
    removed[#removed + 1] = id
  end
end
if #removed > 0 then count(ARGV[1], #removed) end
return removed
`);
