import { LAST_RUN_SHARE, LIMIT_LIFE_MS, LINE_WAITS, PLANNED_LIFE_MS, RETURN_GRACE_MS } from '@brokkr/core/adapter';

/** A permit of another worker ends at most so far ahead, in milliseconds, unless the asking worker has a longer lease. */
export const LONGEST_LEASE_MS = 7 * 86_400_000;

/** A stop ends at most so far ahead, in milliseconds: the core stops a limit for a day; the rest is for skewed clocks. */
export const LONGEST_STOP_MS = 2 * 86_400_000;

/** How much farther ahead a time may be than the rule and the waiters explain: an earlier rule may have been slower. */
const EARLIER_RULE_MS = 86_400_000;

/** A message that was called and refused has a time so long before that call: it is called before all others. */
export const IN_FRONT_MS = PLANNED_LIFE_MS / 2;

/** No score is higher. A double counts milliseconds exactly up to here. */
export const HIGHEST_SCORE = String(Number.MAX_SAFE_INTEGER);

/**
 * `KEYS` are the prefixes of keys of limits; a script builds all its keys from them. Times are those of the server, in
 * milliseconds with fractions.
 *
 * Other clients may write into these keys. Workers soon make permits and places in line again. So a script deletes a
 * value of another type, and ignores a number that no call can have stored. It finds both in answers that it needs anyway.
 */
export const KEYS_OF_LIMIT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local function text(value) return string.format('%.3f', value) end

-- A whole number: Redis compares it several times as fast with others as a fraction, which it stores as text.
local function leaseEnd(lease) return string.format('%.0f', math.ceil(now + lease)) end

local function card(key)
  local size = redis.pcall('ZCARD', key)
  if type(size) == 'table' then
    redis.call('DEL', key)
    return 0
  end
  return size
end

-- How many of 'size' members have scores above 'after', up to 'latest'. The others are removed.
local function live(key, size, after, latest)
  local count = redis.call('ZCOUNT', key, '(' .. after, latest)
  if count < size then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', after)
    redis.call('ZREMRANGEBYSCORE', key, '(' .. latest, '+inf')
  end
  return count
end

-- The number in a key, which may be infinite; 0 for any other text.
local function number(key)
  local value = redis.pcall('GET', key)
  if type(value) == 'table' then redis.call('DEL', key) end
  value = type(value) == 'string' and tonumber(value) or 0
  return value == value and value or 0
end

local function put(key, value, life)
  redis.call('SET', key, text(value), 'PX', string.format('%.0f', math.max(0, life) + ${LIMIT_LIFE_MS}))
end

local function keep(key, life)
  redis.call('PEXPIRE', key, string.format('%.0f', math.max(0, life) + ${LIMIT_LIFE_MS}))
end

-- Another worker may hold slots for longer.
local function keepHeld(key, lease) keep(key, math.max(lease, ${LONGEST_LEASE_MS})) end

-- The clock of a key stands still during a stop: 'UNTIL STOPPED', the end of the last stop, and for how long it has
-- stood still by then.
local function clockOf(prefix)
  local value = redis.pcall('GET', prefix .. ':stop')
  local untilAt, stopped = 0, 0
  if value then
    local untilText, stoppedText = string.match(type(value) == 'string' and value or '', '^([%d.]+) ([%d.]+)$')
    untilAt, stopped = tonumber(untilText or '') or math.huge, tonumber(stoppedText or '') or math.huge
    if untilAt > now + ${LONGEST_STOP_MS} or stopped > untilAt then
      redis.call('DEL', prefix .. ':stop')
      untilAt, stopped = 0, 0
    end
  end
  return {
    at = math.max(now, untilAt) - stopped,
    stopped = stopped,
    untilAt = untilAt,
    stoppedMs = math.max(0, untilAt - now),
  }
end
`;

/**
 * The slots of a key, and its line. The first look removes lapsed permits, waiters that did not return, and permits that
 * end after `latest`, which the script defines.
 */
export const SLOTS = `
local lines = {}

-- Every waiter asks again at a time in 'back'. Without one, a member that another client added would never lose its place.
-- Most of those are at the ends of the line, by their scores.
local function giveTimes(line, latestBack)
  redis.call('ZREMRANGEBYSCORE', line.back, '(' .. latestBack, '+inf')
  for _, from in ipairs({ 0, -250 }) do
    for _, waiter in ipairs(redis.call('ZRANGE', line.wait, from, from + 249)) do
      redis.call('ZADD', line.back, 'NX', text(math.ceil(now + ${LINE_WAITS.polling.longest})), waiter)
    end
  end
end

local function lineOf(k)
  local line = lines[k]
  if line then return line end
  local p = KEYS[k]
  line = { k = k, held = p .. ':held', wait = p .. ':wait', back = p .. ':back', slots = 0 }
  line.taken = card(line.held)
  line.waiting = card(line.wait)
  if line.taken > 0 then line.taken = live(line.held, line.taken, text(now), latest) end
  if line.waiting > 0 then
    local latestBack = text(now + ${LONGEST_STOP_MS})
    local timed = redis.pcall('ZCOUNT', line.back, '-inf', latestBack)
    if type(timed) == 'table' then
      redis.call('DEL', line.back)
      timed = 0
    end
    if timed < line.waiting then giveTimes(line, latestBack) end
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
  if not line.average then
    local average = number(KEYS[line.k] .. ':avg')
    line.average = average > 0 and average <= ${LIMIT_LIFE_MS} and average or 0
  end
  return line.average
end

-- Gives slots back. ARGV from 'i': the number of groups, and for each of them: the number of its key, slots, the number of
-- permits, the number of those that ran, for how long these ran on average in ms, then the tokens. Returns the next 'i'.
local function release(i)
  local groups = tonumber(ARGV[i])
  i = i + 1
  for _ = 1, groups do
    local line, count = lineOf(tonumber(ARGV[i])), tonumber(ARGV[i + 2])
    local first = i + 5
    local freed = redis.call('ZREM', line.held, unpack(ARGV, first, first + count - 1))
    line.slots = tonumber(ARGV[i + 1])
    if freed > 0 then
      line.taken = line.taken - freed
      local runs, ran = tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4])
      if runs > 0 then
        local average = averageOf(line)
        if average == 0 then average = ran end
        line.average = average + (1 - (1 - ${LAST_RUN_SHARE}) ^ runs) * (ran - average)
        put(KEYS[line.k] .. ':avg', line.average, 0)
      end
    end
    i = first + count
  end
  return i
end


-- The waiters for whom there is a free slot, and that were not named yet. They must return within the grace. The time of
-- a waiter that was named has half a millisecond: that of any other is a whole number, and may have passed already.
local function nextIn(line, answer)
  local free = line.slots - line.taken
  if free <= 0 or line.waiting <= 0 or line.clock.stoppedMs > 0 then return end
  for _, waiter in ipairs(redis.call('ZRANGE', line.wait, 0, free - 1)) do
    local back = tonumber(redis.call('ZSCORE', line.back, waiter) or '')
    if not back or back % 1 ~= 0.5 then
      redis.call('ZADD', line.back, text(math.floor(now) + 0.5), waiter)
      answer[#answer + 1] = waiter
    end
  end
end
`;

/**
 * The starts of a key, by the generic cell rate algorithm, and its line: see `RateLine` of the memory broker, which does the
 * same. Messages wait in 'res' by their times, and those that were called are in 'call' by the time of the call.
 */
export const RATES = `
local rates = {}
local function rateOf(k, interval, burst)
  local rate = rates[k]
  if rate then return rate end
  local p = KEYS[k]
  rate = { k = k, line = p .. ':res', called = p .. ':call', clock = clockOf(p), interval = interval, burst = burst }
  local t = rate.clock.at
  rate.due, rate.callDue = number(p .. ':tat'), number(p .. ':plan')
  rate.was = { rate.due, rate.callDue }
  rate.size, rate.out = card(rate.line), card(rate.called)
  if rate.size > 0 then rate.size = live(rate.line, rate.size, text(t - ${PLANNED_LIFE_MS}), '${HIGHEST_SCORE}') end
  if rate.out > 0 then rate.out = live(rate.called, rate.out, text(t - ${PLANNED_LIFE_MS}), '${HIGHEST_SCORE}') end
  -- A later time is from another client. Then the burst counts as used.
  rate.latest = t + rate.size * interval + burst * interval + ${EARLIER_RULE_MS}
  if rate.due > rate.latest then rate.due = t + burst * interval end
  if rate.callDue > rate.latest then rate.callDue = t + burst * interval end
  rates[k] = rate
  return rate
end

-- How many starts, or calls, are due, if the next one without a burst is due at 'due'.
local function startsDue(rate, due)
  local early = rate.clock.at - math.max(due, rate.clock.at) + (rate.burst - 1) * rate.interval
  return early < 0 and 0 or math.floor(early / rate.interval) + 1
end

-- Messages that were called, and will probably return.
local function returning(rate)
  return rate.out > 0 and redis.call('ZCOUNT', rate.called, text(rate.clock.at - ${RETURN_GRACE_MS}), text(rate.latest)) or 0
end

local function storeRate(rate)
  local p, t = KEYS[rate.k], rate.clock.at
  local life = 0
  for i, name in ipairs({ 'tat', 'plan' }) do
    local value = ({ rate.due, rate.callDue })[i]
    if value ~= rate.was[i] then
      put(p .. ':' .. name, value, value - t)
      life = math.max(life, value - t)
    end
  end
  if rate.last then keep(rate.line, rate.last - t) end
  if rate.hasCalled then keep(rate.called, 0) end
  if rate.clock.untilAt > 0 then keep(p .. ':stop', life) end
end
`;
