import { SUSPECT_CRASHES } from '@brokkr/core/adapter';
import { CRASH_COUNT, GAPS, GIVE_BACK_AS_CRASHED } from './parts.ts';

/** The messages of a claim before, each at its place: '' for one that is not held any more. */
const TAKE_AGAIN = `
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
`;

/**
 * How many of the taken ids come before the first that crashed two workers. If the first one did: 1, or 0 for a claim
 * ahead. Requires `CRASH_COUNT`.
 */
const UP_TO_SUSPECT = `
local function upToSuspect(taken, ahead)
  local crashed = redis.call('HMGET', crashes, unpack(taken))
  for i = 1, #taken do
    if crashCount(crashed[i]) >= ${SUSPECT_CRASHES} then return (i > 1 or ahead) and i - 1 or 1 end
  end
  return #taken
end
`;

/** The ids of a line that are messages, and their bytes. Closes gaps, and drops messages that another client deleted. */
const ONLY_MESSAGES = `${GAPS}
local function onlyMessages(ids, stored)
  local line, bytes = {}, {}
  for i, id in ipairs(ids) do
    if stored[i] and stored[i] ~= '' then
      line[#line + 1] = id
      bytes[#line] = stored[i]
    elseif stored[i] then
      closeGap(id)
    elseif redis.call('HEXISTS', held, id) == 0 then
      redis.call('HDEL', crashes, id)
      count('discarded', 1)
    end
  end
  return line, bytes
end
`;

const WITHOUT_REPEATS = `
local function withoutRepeats(line)
  local holders = redis.call('HMGET', held, unpack(line))
  local kept, seen = {}, {}
  for i, id in ipairs(line) do
    if not holders[i] and not seen[id] then kept[#kept + 1] = id end
    seen[id] = true
  end
  return kept
end
`;

/**
 * Makes due messages ready, returns messages whose lease expired to the line, then delivers up to `limit` messages from
 * the head of the line. It may write from its first command on, because `exchange` has read every key before: a key of
 * a wrong type has raised there.
 *
 * Returns the milliseconds until the next due time or end of a lease (0: more is in line; -1: no such time, or messages
 * are delivered), the fence before the first message, then lists of ids, messages and crashes. A message that is nil
 * was deleted by another client; its delivery does not count.
 *
 * - A message that crashed two workers is delivered alone, and never ahead: it must not be in the crash of another.
 * - An id that is held already is dropped: another client has put it in line twice.
 * - The same call again (its answer was lost) returns the same messages. Their fences and the end of their lease are
 *   remembered for one lease. Part of `exchange`.
 *
 * Functions for rare cases are made where these arise: each takes 0.1 µs of every call.
 */
export const CLAIM = `
-- Up to limit messages from the head of the line. Goes on while it finds none, and stops after 500 ids or more. Returns
-- how many it took out of the line.
local function pop(limit)
  local taken = 0
  while taken < 500 do
    local line = redis.call('LPOP', ready, limit)
    if not line then break end
    taken = taken + #line
    local bytes = redis.call('HMGET', messages, unpack(line))
    for i = 1, #line do
      if not bytes[i] or bytes[i] == '' then
        ${ONLY_MESSAGES}
        line, bytes = onlyMessages(line, bytes)
        break
      end
    end
    if #line > 0 then return line, bytes, taken end
  end
  return {}, {}, taken
end

local function claim(waiting, nextDue, anyLapsed, anyCrashed, fence)
  local lease, worker = ARGV[3], ARGV[4]
  if anyLapsed then
    local lapsed = redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 500)
    if #lapsed > 0 then
      ${GIVE_BACK_AS_CRASHED}
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
  local line, bytes
  if before then
    ${TAKE_AGAIN}
    fence = tonumber(before)
    line = takeAgain(worker, fence, tonumber(size), endsAt)
    bytes = redis.call('HMGET', messages, unpack(line))
    for i, id in ipairs(line) do
      if not bytes[i] and id ~= '' then
        redis.call('ZREM', leases, id)
        redis.call('HDEL', held, id)
        redis.call('HDEL', crashes, id)
        count('discarded', 1)
      end
    end
  else
    local taken
    line, bytes, taken = pop(limit)
    waiting = waiting - taken
    if anyCrashed and #line > 0 then
      ${CRASH_COUNT}${UP_TO_SUSPECT}
      for i = #line, upToSuspect(line, ahead) + 1, -1 do
        redis.call('LPUSH', ready, table.remove(line))
        bytes[i] = nil
        waiting = waiting + 1
      end
    end
    if #line > 0 then
      -- As text: Lua would print a number anew for every message.
      local leaseEnd, holder = string.format('%.0f', now + lease), ' ' .. worker
      local leased = {}
      for i, id in ipairs(line) do leased[2 * i - 1], leased[2 * i] = leaseEnd, id end
      if redis.call('ZADD', leases, 'NX', unpack(leased)) < #line then
        ${WITHOUT_REPEATS}
        line = withoutRepeats(line)
        bytes = #line > 0 and redis.call('HMGET', messages, unpack(line)) or {}
        for _, id in ipairs(line) do redis.call('ZADD', leases, leaseEnd, id) end
      end
      if #line > 0 then
        local holders = {}
        for i, id in ipairs(line) do holders[2 * i - 1], holders[2 * i] = id, (fence + i) .. holder end
        redis.call('INCRBY', fences, #line)
        redis.call('HSET', held, unpack(holders))
        redis.call('SET', memo, ARGV[6] .. ' ' .. fence .. ' ' .. #line .. ' ' .. leaseEnd, 'PX', lease)
      end
      -- If more is left, or will be due, an idle consumer has to know. Else none needs to come.
      if waiting > 0 or nextDue then ring() else redis.call('DEL', bell) end
    end
  end
  if #line > 0 then
    local crashed = {}
    if anyCrashed then
      ${CRASH_COUNT}
      crashed = redis.call('HMGET', crashes, unpack(line))
      for i, text in ipairs(crashed) do crashed[i] = crashCount(text) end
    end
    return -1, fence, line, bytes, crashed
  end
  if waiting > 0 and not ahead then return 0, 0, line, {}, {} end
  nextDue = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]
  local nextEnd = redis.call('ZRANGE', leases, 0, 0, 'WITHSCORES')[2]
  local at = math.min(tonumber(nextDue or 1e15), tonumber(nextEnd or 1e15))
  return at < 1e15 and math.ceil(math.max(0, at - now)) or -1, 0, line, {}, {}
end
`;
