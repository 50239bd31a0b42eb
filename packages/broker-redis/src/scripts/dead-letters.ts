import { COUNT, FREE_KEY, RING } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Puts dead letters back behind the ready messages. ARGV: pairs of id and bytes. Answers how many. If a message of the
 * same id was sent since, that one stays, and the letter counts as discarded.
 */
export const redrive = queueScript(`${RING}${COUNT}
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
    else
      count('discarded', 1)
    end
    redriven = redriven + 1
  end
end
if redriven > 0 then ring() end
return redriven
`);

/** Removes dead letters, counts them, and frees their idempotency keys. ARGV: ids. Answers how many. */
export const discard = queueScript(`${COUNT}${FREE_KEY}
redis.call('HLEN', counts)
redis.call('ZCARD', dead)
local bytes = redis.call('HMGET', letters, unpack(ARGV))
local alive = redis.call('HMGET', messages, unpack(ARGV))
for i, id in ipairs(ARGV) do
  -- A message of this id that was sent since holds the key.
  if not alive[i] then freeKey(id, bytes[i]) end
end
local gone = redis.call('ZREM', dead, unpack(ARGV))
redis.call('HDEL', letters, unpack(ARGV))
if gone > 0 then count('discarded', gone) end
return gone
`);
