/**
 * Promotes what is due, brings back what lost its lease, then hands over up to `limit` from the head of the line.
 * Answers ms until the next due time or end of a lease (-1: none, or not looked for since there are messages), the
 * fence before the first, then lists of ids, messages and crashes. A message that is nil is none: it was lost since.
 * What has cost two workers is handed over by itself, and never ahead: nobody else's crash is to be charged to it.
 * The same call again (its answer was lost) gives the same messages: it is remembered for one lease which they were.
 * Part of `exchange`.
 */
export const CLAIM = `
local function takeAgain(worker, first, count)
  local line = {}
  for i = 1, count do line[i] = '' end
  local holders = redis.call('HGETALL', held)
  for i = 1, #holders, 2 do
    local fence, holder = string.match(holders[i + 1], '^(%d+) (.*)$')
    local at = holder == worker and tonumber(fence) - first
    if at and at > 0 and at <= count then line[at] = holders[i] end
  end
  return line
end

-- How many of the line come before the first that has cost two workers; 1 where that one is the first.
local function upToSuspect(line, ahead)
  local crashed = redis.call('HMGET', crashes, unpack(line))
  for i = 1, #line do
    if tonumber(crashed[i] or 0) >= 2 then return (i > 1 or ahead) and i - 1 or 1 end
  end
  return #line
end

local function take(limit, ahead, lease, worker, memo, call)
  local line = redis.call('LPOP', ready, limit)
  if not line then return {}, 0 end
  local size = #line
  if redis.call('EXISTS', crashes) == 1 then
    size = upToSuspect(line, ahead)
    for i = #line, size + 1, -1 do redis.call('LPUSH', ready, table.remove(line)) end
    if size == 0 then return line, 0 end
  end
  local fence = redis.call('INCRBY', q .. ':fence', size) - size
  -- As text: Lua would print a number anew for every message.
  local endsAt, holder = string.format('%.0f', now + lease), ' ' .. worker
  local leased, holders = {}, {}
  for i = 1, size do
    leased[2 * i - 1], leased[2 * i] = endsAt, line[i]
    holders[2 * i - 1], holders[2 * i] = line[i], (fence + i) .. holder
  end
  redis.call('ZADD', leases, unpack(leased))
  redis.call('HSET', held, unpack(holders))
  redis.call('SET', memo, call .. ' ' .. fence .. ' ' .. size, 'PX', lease)
  -- More is left, or will be due: whoever is idle has to know. Else nobody needs to come.
  if redis.call('EXISTS', ready, delayed) > 0 then ring() else redis.call('DEL', bell) end
  return line, fence
end

local function untilNextEvent()
  local nextDue = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]
  local nextEnd = redis.call('ZRANGE', leases, 0, 0, 'WITHSCORES')[2]
  local at = math.min(tonumber(nextDue or 1e15), tonumber(nextEnd or 1e15))
  return at < 1e15 and math.max(0, at - now) or -1
end

local function claim(limit, ahead, lease, worker, memo, call)
  local lapsed = redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 500)
  if #lapsed > 0 then giveBackAsCrashed(lapsed) end
  local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, 500)
  if #due > 0 then
    redis.call('ZREM', delayed, unpack(due))
    redis.call('RPUSH', ready, unpack(due))
  end
  local line, fence
  local said, before, count = string.match(redis.call('GET', memo) or '', '^(%d+) (%d+) (%d+)$')
  if said == call then
    fence = tonumber(before)
    line = takeAgain(worker, fence, tonumber(count))
  else
    line, fence = take(limit, ahead, lease, worker, memo, call)
  end
  if #line == 0 then return untilNextEvent(), 0, line, {}, {} end
  local bytes = redis.call('HMGET', messages, unpack(line))
  for i = 1, #line do
    if not bytes[i] and line[i] ~= '' then
      -- Somebody deleted its bytes: there is nothing left to hand over, and nothing to keep.
      redis.call('ZREM', leases, line[i])
      redis.call('HDEL', held, line[i])
      redis.call('HDEL', crashes, line[i])
      redis.call('HINCRBY', counts, 'discarded', 1)
    end
  end
  local crashed = redis.call('EXISTS', crashes) == 1 and redis.call('HMGET', crashes, unpack(line)) or {}
  return -1, fence, line, bytes, crashed
end
`;
