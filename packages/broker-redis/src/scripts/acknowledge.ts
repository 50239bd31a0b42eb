/**
 * `accepted` reads which of the ids `ARGV[first]` to `ARGV[last]` are held by this worker; their fences follow in the same
 * order. Returns the numbers (from 1) of those whose lease was lost, then the list, first and last index of the others.
 * `forget` removes those.
 *
 * The short path of the most frequent settlement: a few commands for the whole batch, and one comparison a message. Part
 * of `exchange`.
 */
export const ACKNOWLEDGE = `
local function accepted(first, last, worker, anyLapsed)
  local size = last - first + 1
  local holders = redis.call('HMGET', held, unpack(ARGV, first, last))
  -- While no lease of the queue has expired, every holder has a live lease.
  local ends = anyLapsed and redis.call('ZMSCORE', leases, unpack(ARGV, first, last))
  local lost, isLost = {}, {}
  local holder = ' ' .. worker
  for i = 1, size do
    if holders[i] ~= ARGV[last + i] .. holder or (ends and ends[i] and tonumber(ends[i]) <= now) then
      lost[#lost + 1] = i
      isLost[i] = true
    end
  end
  if #lost == 0 then return lost, ARGV, first, last end
  local ids = {}
  for i = 1, size do
    if not isLost[i] then ids[#ids + 1] = ARGV[first - 1 + i] end
  end
  return lost, ids, 1, #ids
end

local function forget(ids, from, to, anyCrashed)
  -- First, because nothing has read messages before: another type raises here.
  redis.call('HDEL', messages, unpack(ids, from, to))
  redis.call('ZREM', leases, unpack(ids, from, to))
  redis.call('HDEL', held, unpack(ids, from, to))
  if anyCrashed then redis.call('HDEL', crashes, unpack(ids, from, to)) end
  count('acknowledged', to - from + 1)
end
`;
