import { KEYS_OF_QUEUE, SERVER_TIME } from './parts.ts';
import { script } from './script.ts';

/**
 * ARGV: pairs of id and fence. Forgets the messages; answers the numbers of those whose lease was lost (from 1).
 * The short way of the most frequent settlement: a few commands for the whole batch.
 */
export const acknowledge = script(`${KEYS_OF_QUEUE}${SERVER_TIME}
local ids = {}
for i = 1, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
local holders = redis.call('HMGET', held, unpack(ids))
local ends = redis.call('ZMSCORE', leases, unpack(ids))
local live, lost = {}, {}
for i, id in ipairs(ids) do
  local fence = holders[i] and string.match(holders[i], '^%d+')
  if fence == ARGV[2 * i] and ends[i] and tonumber(ends[i]) > now then live[#live + 1] = id else lost[#lost + 1] = i end
end
if #live > 0 then
  redis.call('ZREM', leases, unpack(live))
  redis.call('HDEL', held, unpack(live))
  redis.call('HDEL', messages, unpack(live))
  if redis.call('EXISTS', crashes) == 1 then redis.call('HDEL', crashes, unpack(live)) end
  redis.call('HINCRBY', counts, 'acknowledged', #live)
end
return lost
`);
