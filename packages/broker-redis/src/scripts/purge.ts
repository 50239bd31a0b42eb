import { COUNT, FREE_KEY, GAPS, SERVER_TIME } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Removes ready messages from the head of the line, counts them, and frees their idempotency keys. ARGV: limit. Returns how
 * many it removed from the line, then how many of them were messages. If the line is short, due messages join it first.
 */
export const purge = queueScript(`${SERVER_TIME}${COUNT}${GAPS}${FREE_KEY}
redis.call('HLEN', counts)
redis.call('HLEN', crashes)
for _, hash in ipairs({ messages, held }) do redis.call('HLEN', hash) end
local lacking = ARGV[1] - redis.call('LLEN', ready)
local due = lacking > 0 and redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, lacking) or {}
if #due > 0 then
  redis.call('ZREM', delayed, unpack(due))
  redis.call('RPUSH', ready, unpack(due))
end
local ids = redis.call('LRANGE', ready, 0, ARGV[1] - 1)
if #ids == 0 then return { 0, 0 } end
local bytes = redis.call('HMGET', messages, unpack(ids))
local holders = redis.call('HMGET', held, unpack(ids))
redis.call('LTRIM', ready, #ids, -1)
local purged = 0
for i, id in ipairs(ids) do
  -- An id that is held was put in line by another client: the message is running.
  if bytes[i] == '' then
    closeGap(id)
  elseif bytes[i] and not holders[i] then
    freeKey(id, bytes[i])
    if redis.call('HDEL', messages, id) == 1 then purged = purged + 1 end
    redis.call('HDEL', crashes, id)
  end
end
if purged > 0 then count('purged', purged) end
return { #ids, purged }
`);
