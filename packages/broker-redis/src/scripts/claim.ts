import { GIVE_BACK_AS_CRASHED, KEYS_OF_QUEUE, RING, SERVER_TIME } from './parts.ts';
import { script } from './script.ts';

/**
 * ARGV: limit, lease in ms, worker, consumer, number of the call.
 * Promotes what is due, brings back what lost its lease, then hands over up to `limit` from the head of the line.
 * Answers ms until the next due time or end of a lease (-1: none), then for each message: id, fence, crashes, bytes.
 * The same call again (its answer was lost) gives the same messages: they are remembered for one lease.
 */
export const claim = script(`${KEYS_OF_QUEUE}${SERVER_TIME}${RING}${GIVE_BACK_AS_CRASHED}
local limit, lease, worker, call = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[5]
local memo = q .. ':claim:' .. ARGV[4]

local lapsed = redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 500)
if #lapsed > 0 then giveBackAsCrashed(lapsed) end
local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, 500)
if #due > 0 then
  redis.call('ZREM', delayed, unpack(due))
  redis.call('RPUSH', ready, unpack(due))
end

local ids, fence = nil, nil
local last = redis.call('GET', memo)
if last then
  local said = cmsgpack.unpack(last)
  if said[1] == call then
    ids, fence = {}, said[2]
    for i, id in ipairs(said[3]) do
      if redis.call('HGET', held, id) == string.format('%.0f', fence + i) .. ' ' .. worker then
        ids[#ids + 1] = { id, fence + i }
      end
    end
  end
end

if not ids then
  ids = {}
  local line = redis.call('LPOP', ready, limit)
  if line then
    fence = redis.call('INCRBY', q .. ':fence', #line) - #line
    local endsAt = now + lease
    local leased, holders = {}, {}
    for i, id in ipairs(line) do
      ids[i] = { id, fence + i }
      leased[2 * i - 1], leased[2 * i] = endsAt, id
      holders[2 * i - 1], holders[2 * i] = id, string.format('%.0f', fence + i) .. ' ' .. worker
    end
    redis.call('ZADD', leases, unpack(leased))
    redis.call('HSET', held, unpack(holders))
    redis.call('SET', memo, cmsgpack.pack({ call, fence, line }), 'PX', lease)
    -- More is left, or will be due: whoever is idle has to know.
    if redis.call('EXISTS', ready, delayed) > 0 then ring() end
  end
end

local answer = { -1 }
if #ids > 0 then
  local names = {}
  for i, one in ipairs(ids) do names[i] = one[1] end
  local bytes = redis.call('HMGET', messages, unpack(names))
  local crashed = redis.call('EXISTS', crashes) == 1 and redis.call('HMGET', crashes, unpack(names)) or {}
  for i, one in ipairs(ids) do
    if bytes[i] then
      answer[#answer + 1] = one[1]
      answer[#answer + 1] = one[2]
      answer[#answer + 1] = tonumber(crashed[i] or 0)
      answer[#answer + 1] = bytes[i]
    else
      -- Somebody deleted its bytes: there is nothing left to hand over, and nothing to keep.
      redis.call('ZREM', leases, one[1])
      redis.call('HDEL', held, one[1])
      redis.call('HDEL', crashes, one[1])
      redis.call('HINCRBY', counts, 'discarded', 1)
    end
  end
else
  local nextDue = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]
  local nextEnd = redis.call('ZRANGE', leases, 0, 0, 'WITHSCORES')[2]
  local at = math.min(tonumber(nextDue or 1e15), tonumber(nextEnd or 1e15))
  if at < 1e15 then answer[1] = math.max(0, at - now) end
end
return answer
`);
