import { COUNT, GAPS, RING, SERVER_TIME } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Stores messages that may be joined with others of the same key. ARGV for each message: id, bytes, delay in ms, digest of
 * its key, mode (`unique`, `waiting` or `debounce`), how long the key is kept in ms after the message is due, longest delay
 * in ms since the first message of the key or ''.
 *
 * Returns 1 if the queue had counted no message before, else 0; then triples for each message that was not added: its
 * number (from 1), `duplicate` or `replaced`, and the id of the message that has the key.
 *
 * A key holds `=FIRST DUE ID`: when its first message was sent, when its message is due, in ms of the server's clock; any
 * other value is not ours and is overwritten. It keeps no message away by itself: its message must be there, so that no
 * step at the end of a message has to free it. A debounced message that has run has 0 as DUE: while it is delayed, a later one
 * removes it. One that is delayed until another time than DUE came back without its key. A key that names this message is the
 * repeat of a publish whose answer was lost. The first write needs memory, so a full server refuses it before anything has
 * changed.
 */
export const collapse = queueScript(`${SERVER_TIME}${RING}${COUNT}${GAPS}
redis.call('LLEN', ready)
redis.call('ZCARD', delayed)
redis.call('HLEN', messages)
redis.call('HLEN', held)
redis.call('HLEN', crashes)
local answer = { redis.call('HEXISTS', counts, 'published') == 0 and 1 or 0 }
local stored, rings = 0, false
local function text(number) return string.format('%.0f', number) end
local function keep(key, first, due, id, life)
  redis.call('SET', key, '=' .. text(first) .. ' ' .. text(due) .. ' ' .. id, 'PX', text(math.max(0, due - now) + life))
end
local function delayUntil(due, id)
  redis.call('ZADD', delayed, text(due), id)
  if redis.call('ZRANGE', delayed, 0, 0)[1] == id then rings = true end
end
for i = 1, #ARGV, 7 do
  local id, bytes, delay, mode, life = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), ARGV[i + 4], tonumber(ARGV[i + 5])
  local key = q .. ':join:' .. ARGV[i + 3]
  local found = redis.pcall('GET', key)
  local first, due, holder = string.match(type(found) == 'string' and found or '', '^=(%d+) (%d+) (.+)$')
  local outcome, removes = 'new', false
  if holder == id then
    outcome = 'repeat'
  elseif holder and redis.call('HSTRLEN', messages, holder) > 0 then
    if mode == 'unique' or (mode == 'waiting' and redis.call('HEXISTS', held, holder) == 0) then
      outcome = 'duplicate'
    elseif mode == 'debounce' then
      local score = redis.call('ZSCORE', delayed, holder)
      if score and due == '0' then removes = true
      elseif score and tonumber(score) == tonumber(due) then outcome = 'replaced' end
    end
  end
  if outcome == 'new' then
    local at = nowUp + delay
    keep(key, now, at, id, life)
    if removes then
      redis.call('ZREM', delayed, holder)
      redis.call('HDEL', messages, holder)
      redis.call('HDEL', crashes, holder)
      count('acknowledged', 1)
    end
    local isNew = redis.call('HSETNX', messages, id, bytes) == 1
    local fillsGap = not isNew and isGap(id)
    if fillsGap then
      redis.call('HSET', messages, id, bytes)
      countGapClosed()
      redis.call('LREM', ready, 1, id)
    end
    if isNew or fillsGap then
      stored = stored + 1
      if delay > 0 then
        delayUntil(at, id)
      else
        redis.call('RPUSH', ready, id)
        rings = true
      end
    end
  elseif outcome == 'replaced' then
    local at = nowUp + delay
    if ARGV[i + 6] ~= '' then at = math.min(at, tonumber(first) + tonumber(ARGV[i + 6])) end
    keep(key, tonumber(first), at, holder, life)
    redis.call('HSET', messages, holder, bytes)
    -- Crashes of the arguments that are replaced say nothing about these.
    redis.call('HDEL', crashes, holder)
    delayUntil(at, holder)
  end
  if outcome == 'duplicate' or outcome == 'replaced' then
    answer[#answer + 1] = (i + 6) / 7
    answer[#answer + 1] = outcome
    answer[#answer + 1] = holder
  end
end
if stored > 0 then count('published', stored) end
if rings then ring() end
return answer
`);
