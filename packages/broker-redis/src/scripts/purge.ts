import { COUNT, FREE_KEY, GAPS } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Removes ready messages from the head of the line, counts them, and frees their idempotency keys. ARGV: limit. Returns how
 * many it removed from the line, then how many of them were messages.
 */
export const purge = queueScript(`${COUNT}${GAPS}${FREE_KEY}
redis.call('HLEN', counts)
redis.call('HLEN', crashes)
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
