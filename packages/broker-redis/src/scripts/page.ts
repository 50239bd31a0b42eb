import { SERVER_TIME } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Reads one page of messages. ARGV: state (ready, delayed, dead), order (oldest, newest), limit, then position and id of
 * the last message of the page before, or two times ''.
 *
 * Returns how many ids it read, then position and id of the last one ('' at the end of the line), then for each message:
 * id, bytes, milliseconds it still has to wait. An id without a message is left out. A page ends early after 2 MiB.
 *
 * A position is a score, or the distance from the end at which the reader began. If the id left a list or moved, it is
 * looked for among 2,500 ids, because a search of the whole line takes 120 ms at a million.
 */
export const page = queueScript(`${SERVER_TIME}
local state, isNewest, limit = ARGV[1], ARGV[2] == 'newest', tonumber(ARGV[3])
local position, last = ARGV[4], ARGV[5]
local ids, scores, first = {}, {}, 0

local function line(from, to)
  if not isNewest then return redis.call('LRANGE', ready, from, to) end
  local forwards, backwards = redis.call('LRANGE', ready, -to - 1, -from - 1), {}
  for i = #forwards, 1, -1 do backwards[#backwards + 1] = forwards[i] end
  return backwards
end

local function placeAfter(at)
  if line(at, at)[1] == last then return at + 1 end
  -- Ids leave the line at its head, and come in at its tail.
  local from = math.max(0, at - (isNewest and 500 or 2000))
  for i, id in ipairs(line(from, at + (isNewest and 2000 or 500))) do
    if id == last then return from + i end
  end
  return from
end

local function rankAfter(set)
  if redis.call('ZSCORE', set, last) ~= position then
    if isNewest then return redis.call('ZCOUNT', set, '(' .. position, '+inf') end
    return redis.call('ZCOUNT', set, '-inf', '(' .. position)
  end
  local rank = redis.call('ZRANK', set, last)
  return isNewest and redis.call('ZCARD', set) - rank or rank + 1
end

if state == 'ready' then
  redis.call('LLEN', ready)
  if position ~= '' then first = placeAfter(tonumber(position)) end
  ids = line(first, first + limit - 1)
else
  local set = state == 'dead' and dead or delayed
  if position ~= '' then first = rankAfter(set) end
  local size = redis.call('ZCARD', set)
  local from, to = first, math.min(first + limit, size) - 1
  if isNewest then from, to = size - 1 - to, size - 1 - from end
  local scored = to >= from and from >= 0 and redis.call('ZRANGE', set, from, to, 'WITHSCORES') or {}
  for i = 1, #scored, 2 do
    local at = isNewest and (#scored + 1 - i) / 2 or (i + 1) / 2
    ids[at], scores[at] = scored[i], scored[i + 1]
  end
end
local answer = { 0, '', '' }
local store, total, read = state == 'dead' and letters or messages, 0, 0
while read < #ids and total < 2097152 do
  local to = math.min(read + 8, #ids)
  for i, bytes in ipairs(redis.call('HMGET', store, unpack(ids, read + 1, to))) do
    local at = read + i
    if bytes and bytes ~= '' then
      total = total + #bytes
      answer[#answer + 1] = ids[at]
      answer[#answer + 1] = bytes
      answer[#answer + 1] = state == 'delayed' and math.min(1e13, math.max(0, tonumber(scores[at]) - now)) or 0
    end
  end
  read = to
end
answer[1] = read
if read == limit or read < #ids then
  answer[2] = scores[read] or string.format('%d', first + read - 1)
  answer[3] = ids[read]
end
return answer
`);
