import { SERVER_TIME } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Reads one page of messages. ARGV: state (ready, delayed, dead), order (oldest, newest), limit, then position and id of
 * the last message of the page before, or two times ''.
 *
 * Returns how many ids it read, then position and id of the last one ('' at the end of the line), then for each message:
 * id, bytes, milliseconds it still has to wait. An id without a message is left out. A page ends early after 2 MiB.
 *
 * A delayed message that is due is ready: without a consumer nothing moves it to the line. It is shown behind the line,
 * which is its place when a consumer comes.
 *
 * A position is a score, or the distance from the end at which the reader began, or `~` and a score: a due message on a
 * page of ready ones. If the id left a list or moved, it is looked for among 2,500 ids, because a search of the whole line
 * takes 120 ms at a million.
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

local due = state ~= 'dead' and redis.call('ZCOUNT', delayed, '-inf', now) or 0

-- Adds members of a sorted set: those of ranks lowest to highest - 1, from the place after the last message.
local function addSorted(set, lowest, highest, score)
  local from = isNewest and highest or lowest
  if score ~= '' then
    if redis.call('ZSCORE', set, last) == score then
      local rank = redis.call('ZRANK', set, last)
      from = isNewest and rank or rank + 1
    else
      from = redis.call('ZCOUNT', set, '-inf', (isNewest and '' or '(') .. score)
    end
  end
  local wanted, to = limit - #ids, 0
  if isNewest then
    to = math.min(from, highest) - 1
    from = math.max(lowest, to - wanted + 1)
  else
    from = math.max(from, lowest)
    to = math.min(from + wanted, highest) - 1
  end
  local scored = to >= from and redis.call('ZRANGE', set, from, to, 'WITHSCORES') or {}
  local place = #ids
  for i = 1, #scored, 2 do
    local at = place + (isNewest and (#scored + 1 - i) / 2 or (i + 1) / 2)
    ids[at], scores[at] = scored[i], scored[i + 1]
  end
end

local function addLine(position)
  redis.call('LLEN', ready)
  if position ~= '' then first = placeAfter(tonumber(position)) end
  first = first - #ids
  for _, id in ipairs(line(first + #ids, first + limit - 1)) do ids[#ids + 1] = id end
end

if state == 'ready' then
  local score = string.match(position, '^~(.*)$')
  if isNewest then
    if score or position == '' then addSorted(delayed, 0, due, score or '') end
    if #ids < limit then addLine(score and '' or position) end
  else
    if not score then addLine(position) end
    if #ids < limit then addSorted(delayed, 0, due, score or '') end
  end
elseif state == 'dead' then
  addSorted(dead, 0, redis.call('ZCARD', dead), position)
else
  addSorted(delayed, due, redis.call('ZCARD', delayed), position)
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
  local score = scores[read]
  if score then answer[2] = state == 'ready' and '~' .. score or score
  else answer[2] = string.format('%d', first + read - 1) end
  answer[3] = ids[read]
end
return answer
`);
