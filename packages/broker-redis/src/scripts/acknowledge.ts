/**
 * Forgets the messages whose ids are `ARGV[first]` to `ARGV[last]`, each with its fence as far behind its id as there
 * are ids; answers the numbers of those whose lease was lost (from 1). The short way of the most frequent settlement:
 * a few commands for the whole batch, and nothing made in Lua for a message but what its hand-over is compared with.
 * Part of `exchange`.
 */
export const ACKNOWLEDGE = `
local function acknowledge(first, last, worker)
  local size = last - first + 1
  local holders = redis.call('HMGET', held, unpack(ARGV, first, last))
  -- While no lease of the queue has run out, whoever holds a message has a live lease on it.
  local anyLapsed = redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 1)[1]
  local ends = anyLapsed and redis.call('ZMSCORE', leases, unpack(ARGV, first, last))
  local lost, isLost = {}, {}
  local holder = ' ' .. worker
  for i = 1, size do
    if holders[i] ~= ARGV[last + i] .. holder or (ends and tonumber(ends[i] or 0) <= now) then
      lost[#lost + 1] = i
      isLost[i] = true
    end
  end
  if #lost == size then return lost end
  local ids, from, to = ARGV, first, last
  if #lost > 0 then
    ids, from = {}, 1
    for i = 1, size do
      if not isLost[i] then ids[#ids + 1] = ARGV[first - 1 + i] end
    end
    to = #ids
  end
  redis.call('ZREM', leases, unpack(ids, from, to))
  redis.call('HDEL', held, unpack(ids, from, to))
  redis.call('HDEL', messages, unpack(ids, from, to))
  if redis.call('EXISTS', crashes) == 1 then redis.call('HDEL', crashes, unpack(ids, from, to)) end
  redis.call('HINCRBY', counts, 'acknowledged', to - from + 1)
  return lost
end
`;
