import { SUSPECT_CRASHES } from '@brokkr/core/adapter';

/**
 * Makes due messages ready, returns messages whose lease expired to the line, then delivers up to `limit` messages from
 * the head of the line. It only writes: `exchange` has read every key before.
 *
 * Answers the milliseconds until the next due time or end of a lease (0: more is in line; -1: no such time, or messages
 * were delivered), the fence before the first message, then lists of ids, messages and crashes. A message that is nil
 * was deleted by another client; its delivery does not count.
 *
 * - A message that crashed two workers is delivered alone, and never ahead: it must not be in the crash of another.
 * - An id that is held already is dropped: another client has put it in line twice.
 * - The same call again (its answer was lost) returns the same messages. Their fences and the end of their lease are
 *   remembered for one lease. Part of `exchange`.
 */
export const CLAIM = `
-- The messages of a claim before, each at its place: '' for one that is not held any more.
local function takeAgain(worker, first, size, endsAt)
  local line = {}
  for i = 1, size do line[i] = '' end
  local leased = redis.call('ZRANGEBYSCORE', leases, endsAt, endsAt)
  for from = 1, #leased, 500 do
    local to = math.min(from + 499, #leased)
    for i, holder in ipairs(redis.call('HMGET', held, unpack(leased, from, to))) do
      local fence, holdingWorker = string.match(holder or '', '^(%d+) (.*)$')
      local at = holdingWorker == worker and tonumber(fence) - first
      if at and at > 0 and at <= size then line[at] = leased[from - 1 + i] end
    end
  end
  return line
end

-- How many of the line come before the first suspect; 1 if that is the first.
local function upToSuspect(line, ahead)
  local crashed = redis.call('HMGET', crashes, unpack(line))
  for i = 1, #line do
    if crashCount(crashed[i]) >= ${SUSPECT_CRASHES} then return (i > 1 or ahead) and i - 1 or 1 end
  end
  return #line
end

local function withoutRepeats(line)
  local holders = redis.call('HMGET', held, unpack(line))
  local kept, seen = {}, {}
  for i, id in ipairs(line) do
    if not holders[i] and not seen[id] then kept[#kept + 1] = id end
    seen[id] = true
  end
  return kept
end

local function hold(line, fence, lease, worker)
  -- As text: Lua would print a number anew for every message.
  local endsAt, holder = string.format('%.0f', now + lease), ' ' .. worker
  local leased = {}
  for i, id in ipairs(line) do leased[2 * i - 1], leased[2 * i] = endsAt, id end
  if redis.call('ZADD', leases, 'NX', unpack(leased)) < #line then
    line = withoutRepeats(line)
    for _, id in ipairs(line) do redis.call('ZADD', leases, endsAt, id) end
  end
  if #line == 0 then return line end
  local holders = {}
  for i, id in ipairs(line) do holders[2 * i - 1], holders[2 * i] = id, (fence + i) .. holder end
  redis.call('INCRBY', fences, #line)
  redis.call('HSET', held, unpack(holders))
  return line, endsAt
end

local function drop(id)
  redis.call('ZREM', leases, id)
  redis.call('HDEL', held, id)
  redis.call('HDEL', crashes, id)
  count('discarded', 1)
end

local function untilNextEvent(waiting)
  if waiting > 0 then return 0 end
  local nextDue = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]
  local nextEnd = redis.call('ZRANGE', leases, 0, 0, 'WITHSCORES')[2]
  local at = math.min(tonumber(nextDue or 1e15), tonumber(nextEnd or 1e15))
  return at < 1e15 and math.ceil(math.max(0, at - now)) or -1
end

local function claim(limit, ahead, lease, worker, memo, call, state)
  local waiting, nextDue, anyCrashed = state.waiting, state.nextDue, state.anyCrashed
  if state.anyLapsed then
    local lapsed = redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 500)
    if #lapsed > 0 then
      giveBackAsCrashed(lapsed)
      waiting, anyCrashed = waiting + #lapsed, true
    end
  end
  if nextDue and tonumber(nextDue) <= now then
    local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, 500)
    redis.call('ZREM', delayed, unpack(due))
    redis.call('RPUSH', ready, unpack(due))
    waiting, nextDue = waiting + #due, redis.call('ZCARD', delayed) > 0
  end
  local line, fence
  if state.before then
    fence = tonumber(state.before)
    line = takeAgain(worker, fence, tonumber(state.size), state.endsAt)
  else
    line = redis.call('LPOP', ready, limit) or {}
    waiting = waiting - #line
    if anyCrashed and #line > 0 then
      for i = #line, upToSuspect(line, ahead) + 1, -1 do
        redis.call('LPUSH', ready, table.remove(line))
        waiting = waiting + 1
      end
    end
    if #line > 0 then
      local endsAt
      fence = state.fence
      line, endsAt = hold(line, fence, lease, worker)
      if #line > 0 then
        redis.call('SET', memo, call .. ' ' .. fence .. ' ' .. #line .. ' ' .. endsAt, 'PX', lease)
      end
      -- If more is left, or will be due, an idle consumer has to know. Else none needs to come.
      if waiting > 0 or nextDue then ring() else redis.call('DEL', bell) end
    end
  end
  if #line == 0 then return { untilNextEvent(ahead and 0 or waiting), 0, line, {}, {} } end
  local bytes = redis.call('HMGET', messages, unpack(line))
  local found = 0
  for i = 1, #line do
    if bytes[i] then found = found + 1 elseif line[i] ~= '' or not state.before then drop(line[i]) end
  end
  local crashed = anyCrashed and redis.call('HMGET', crashes, unpack(line)) or {}
  for i, text in ipairs(crashed) do crashed[i] = crashCount(text) end
  return { found > 0 and -1 or untilNextEvent(waiting), fence, line, bytes, crashed }
end
`;
