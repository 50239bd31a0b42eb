import { LIMIT_LIFE_MS, RETURN_GRACE_MS } from '@brokkr/core/adapter';

/**
 * `KEYS` are the prefixes of keys of limits; all that a script touches is built from them. Permits and places in line are
 * soon made again, so a value of another type is deleted. Times are those of the server, in milliseconds with fractions.
 */
export const KEYS_OF_LIMIT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local function text(value) return string.format('%.3f', value) end

local function card(key)
  local size = redis.pcall('ZCARD', key)
  if type(size) == 'table' then
    redis.call('DEL', key)
    return 0
  end
  return size
end

local function number(key)
  local value = redis.pcall('GET', key)
  if type(value) == 'table' then redis.call('DEL', key) end
  return type(value) == 'string' and tonumber(value) or 0
end

local function put(key, value, life)
  redis.call('SET', key, text(value), 'PX', string.format('%.0f', math.max(0, life) + ${LIMIT_LIFE_MS}))
end

local function keep(key, life)
  redis.call('PEXPIRE', key, string.format('%.0f', math.max(0, life) + ${LIMIT_LIFE_MS}))
end

-- The clock of a key stands still during a stop: 'UNTIL STOPPED', the end of the last stop, and for how long it has
-- stood still by then.
local function clockOf(prefix)
  local value = redis.pcall('GET', prefix .. ':stop')
  if type(value) == 'table' then redis.call('DEL', prefix .. ':stop') end
  local untilText, stoppedText = string.match(type(value) == 'string' and value or '', '^([%d.]+) ([%d.]+)$')
  local untilAt, stopped = tonumber(untilText or '') or 0, tonumber(stoppedText or '') or 0
  return {
    at = math.max(now, untilAt) - stopped,
    stopped = stopped,
    untilAt = untilAt,
    stoppedMs = math.max(0, untilAt - now),
  }
end
`;

/** The slots of a key, and its line. Lapsed permits and waiters that did not return are removed at the first look. */
export const SLOTS = `
local lines = {}
local function lineOf(k)
  local line = lines[k]
  if line then return line end
  local p = KEYS[k]
  line = { k = k, held = p .. ':held', wait = p .. ':wait', back = p .. ':back', slots = 0 }
  line.taken = card(line.held)
  line.waiting = card(line.wait)
  if line.taken > 0 then line.taken = line.taken - redis.call('ZREMRANGEBYSCORE', line.held, '-inf', text(now)) end
  if line.waiting > 0 then
    card(line.back)
    local gone = redis.call('ZRANGEBYSCORE', line.back, '-inf', text(now - ${RETURN_GRACE_MS}), 'LIMIT', 0, 500)
    if #gone > 0 then
      redis.call('ZREM', line.back, unpack(gone))
      line.waiting = line.waiting - redis.call('ZREM', line.wait, unpack(gone))
    end
  end
  line.clock = clockOf(p)
  lines[k] = line
  return line
end

local function averageOf(line)
  if not line.average then line.average = number(KEYS[line.k] .. ':avg') end
  return line.average
end

-- The waiters for whom there is a free slot, and that were not named yet. They must return within the grace.
local function nextIn(line, answer)
  local free = line.slots - line.taken
  if free <= 0 or line.waiting <= 0 or line.clock.stoppedMs > 0 then return end
  for _, waiter in ipairs(redis.call('ZRANGE', line.wait, 0, free - 1)) do
    local back = tonumber(redis.call('ZSCORE', line.back, waiter) or '')
    if not back or back > now then
      redis.call('ZADD', line.back, text(now), waiter)
      answer[#answer + 1] = waiter
    end
  end
end
`;
