import {
  FIRST_RUN_MS,
  LAST_RUN_SHARE,
  LIMIT_LIFE_MS,
  LINE_WAITS,
  PLANNED_LIFE_MS,
  RETURN_GRACE_MS,
} from '@brokkr/core/adapter';
import { script } from './script.ts';

/**
 * `KEYS` are the prefixes of keys of limits; all that a script touches is built from them. Permits and places in line are
 * soon made again, so a value of another type is deleted. Times are those of the server, in milliseconds with fractions.
 */
const KEYS_OF_LIMIT = `
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
const SLOTS = `
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

const ASK_FOR_SLOT = `
local function askForSlot(line, waiter, token, slots)
  line.slots = slots
  local stoppedMs = line.clock.stoppedMs
  if line.taken < slots and line.waiting == 0 and stoppedMs == 0 then return 0 end
  if redis.call('ZSCORE', line.held, token) then return 0 end
  local free = slots - line.taken
  local rank = line.waiting > 0 and redis.call('ZRANK', line.wait, waiter)
  if not rank then
    rank = line.waiting
    if rank < free and stoppedMs == 0 then return 0 end
    redis.call('ZADD', line.wait, redis.call('INCR', KEYS[line.k] .. ':seq'), waiter)
    line.waiting = line.waiting + 1
    line.grown = true
  end
  local wait = stoppedMs
  if rank < free then
    if stoppedMs == 0 then return 0 end
  else
    local average = averageOf(line)
    if average == 0 then average = ${FIRST_RUN_MS} end
    local estimate = factor * average * (rank - math.max(0, free) + 1) / slots
    wait = math.max(wait, math.min(longest, math.max(shortest, estimate)))
  end
  redis.call('ZADD', line.back, text(now + wait), waiter)
  return math.ceil(wait)
end

local function takeSlot(line, waiter, token)
  line.taken = line.taken + redis.call('ZADD', line.held, text(now + lease), token)
  if line.waiting > 0 and redis.call('ZREM', line.wait, waiter) == 1 then
    redis.call('ZREM', line.back, waiter)
    line.waiting = line.waiting - 1
  end
  line.used = true
end

local function leaveLine(line, waiter)
  if line.waiting > 0 and redis.call('ZREM', line.wait, waiter) == 1 then
    redis.call('ZREM', line.back, waiter)
    line.waiting = line.waiting - 1
  end
end
`;

/** The generic cell rate algorithm, twice: see `RateLine` of the memory broker, which does the same. */
const ASK_FOR_START = `
local rates = {}
local function rateOf(k)
  local rate = rates[k]
  if rate then return rate end
  local p = KEYS[k]
  rate = { k = k, planned = p .. ':res', clock = clockOf(p) }
  rate.plan, rate.due, rate.catchUp = number(p .. ':plan'), number(p .. ':tat'), number(p .. ':catch')
  rate.was = { rate.plan, rate.due, rate.catchUp }
  rate.size = card(rate.planned)
  if rate.size > 0 then
    local old = text(rate.clock.at - ${PLANNED_LIFE_MS})
    rate.size = rate.size - redis.call('ZREMRANGEBYSCORE', rate.planned, '-inf', old)
  end
  rates[k] = rate
  return rate
end

local function plan(rate, waiter, at)
  rate.size = rate.size + redis.call('ZADD', rate.planned, text(at), waiter)
  rate.last = math.max(rate.last or 0, at)
  return math.max(1, math.ceil(at + rate.clock.stopped - now), math.ceil(rate.clock.stoppedMs))
end

-- The wait; 0: it may start. Then the second value is the time that it had, if it is not stored.
local function askForStart(rate, waiter, interval, burst)
  local t, early = rate.clock.at, (burst - 1) * interval
  local at = rate.size > 0 and tonumber(redis.call('ZSCORE', rate.planned, waiter) or '')
  local isNew = not at
  if isNew then
    local from = math.max(rate.plan, t)
    at = math.max(t, from - early)
    rate.plan = from + interval
  end
  if at <= t and rate.clock.stoppedMs == 0 then
    local free = math.max(rate.due, t) - early
    if free <= t then return 0, isNew and at end
    at = math.max(rate.catchUp, free)
    rate.catchUp = at + interval
  end
  return plan(rate, waiter, at)
end

local function start(rate, waiter, interval)
  if rate.size > 0 then rate.size = rate.size - redis.call('ZREM', rate.planned, waiter) end
  rate.due = math.max(rate.due, rate.clock.at) + interval
end

local function storeRate(rate)
  local p, t = KEYS[rate.k], rate.clock.at
  local life = 0
  for i, name in ipairs({ 'plan', 'tat', 'catch' }) do
    local value = ({ rate.plan, rate.due, rate.catchUp })[i]
    if value ~= rate.was[i] then
      put(p .. ':' .. name, value, value - t)
      life = math.max(life, value - t)
    end
  end
  if rate.last then keep(rate.planned, rate.last - t) end
  if rate.clock.untilAt > 0 then keep(p .. ':stop', life) end
end
`;

/**
 * Asks for permits. ARGV: lease in ms, '1' if waiters are promoted, then for each request: token, waiter (`QUEUE ID`), the
 * number of demands, and for each of them: the number of its key, 's' or 'r', slots or interval in ms, '' or burst.
 *
 * Answers a list of waits (0: granted), a list of the numbers of the refusing demands, from 1, and the waiters that are
 * next in line.
 */
export const acquirePermits = script(`${KEYS_OF_LIMIT}
local lease, promotes = tonumber(ARGV[1]), ARGV[2] == '1'
local factor, shortest, longest = ${LINE_WAITS.polling.factor}, ${LINE_WAITS.polling.shortest}, ${LINE_WAITS.polling.longest}
if promotes then
  factor, shortest, longest = ${LINE_WAITS.promoted.factor}, ${LINE_WAITS.promoted.shortest}, ${LINE_WAITS.promoted.longest}
end
${SLOTS}${ASK_FOR_SLOT}${ASK_FOR_START}
local waits, refusing, next = {}, {}, {}
local i = 3
while i <= #ARGV do
  local token, waiter, count = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  local first, wait, by, unstored = i + 3, 0, 0, {}
  for d = 1, count do
    local at = first + (d - 1) * 4
    local k, a = tonumber(ARGV[at]), tonumber(ARGV[at + 2])
    if ARGV[at + 1] == 's' then wait = askForSlot(lineOf(k), waiter, token, a)
    else wait, unstored[d] = askForStart(rateOf(k), waiter, a, tonumber(ARGV[at + 3])) end
    if wait > 0 then
      by = d
      break
    end
  end
  for d = 1, by > 0 and by - 1 or count do
    local at = first + (d - 1) * 4
    local k, a = tonumber(ARGV[at]), tonumber(ARGV[at + 2])
    if ARGV[at + 1] == 's' then
      if by > 0 then leaveLine(lineOf(k), waiter) else takeSlot(lineOf(k), waiter, token) end
    elseif by == 0 then start(rateOf(k), waiter, a)
    elseif unstored[d] then plan(rateOf(k), waiter, unstored[d]) end
  end
  waits[#waits + 1] = wait
  refusing[#refusing + 1] = by
  i = first + count * 4
end
for _, line in pairs(lines) do
  if line.used then keep(line.held, lease) end
  if line.grown then
    keep(line.wait, 0)
    keep(line.back, 0)
    keep(KEYS[line.k] .. ':seq', 0)
  end
  if promotes then nextIn(line, next) end
end
for _, rate in pairs(rates) do storeRate(rate) end
return { waits, refusing, next }
`);

/**
 * Gives slots back. ARGV: '1' if waiters are promoted, then for each permit: the number of its key, token, slots, and how
 * long it ran in ms. Answers the waiters that are next in line.
 */
export const releasePermits = script(`${KEYS_OF_LIMIT}${SLOTS}
local next = {}
for i = 2, #ARGV, 4 do
  local line = lineOf(tonumber(ARGV[i]))
  if redis.call('ZREM', line.held, ARGV[i + 1]) == 1 then
    line.taken = line.taken - 1
    line.slots = tonumber(ARGV[i + 2])
    local ran = tonumber(ARGV[i + 3])
    if ran > 0 then
      local average = averageOf(line)
      if average == 0 then average = ran end
      line.average = average + ${LAST_RUN_SHARE} * (ran - average)
      line.ran = true
    end
  end
end
for k, line in pairs(lines) do
  if line.ran then put(KEYS[k] .. ':avg', line.average, 0) end
  if ARGV[1] == '1' then nextIn(line, next) end
end
return next
`);

/** Renews slots. ARGV: lease in ms, then for each permit the number of its key, and its token. */
export const renewPermits = script(`${KEYS_OF_LIMIT}
local lease = tonumber(ARGV[1])
for i = 2, #ARGV, 2 do
  local held = KEYS[tonumber(ARGV[i])] .. ':held'
  if card(held) > 0 then
    redis.call('ZREMRANGEBYSCORE', held, '-inf', text(now))
    redis.call('ZADD', held, 'XX', text(now + lease), ARGV[i + 1])
    keep(held, lease)
  end
end
return 0
`);

/** Stops the clock of a key. ARGV: milliseconds from now. */
export const stopLimit = script(`${KEYS_OF_LIMIT}
local clock = clockOf(KEYS[1])
local from = math.max(now, clock.untilAt)
local untilAt = math.max(from, now + tonumber(ARGV[1]))
local value = text(untilAt) .. ' ' .. text(clock.stopped + untilAt - from)
redis.call('SET', KEYS[1] .. ':stop', value, 'PX', string.format('%.0f', untilAt - now + ${LIMIT_LIFE_MS}))
return 0
`);

/** What a key holds: permits, waiters, and the milliseconds for which its clock stands still. */
export const readLimit = script(`${KEYS_OF_LIMIT}
local p, clock = KEYS[1], clockOf(KEYS[1])
local held, wait, back, planned = p .. ':held', p .. ':wait', p .. ':back', p .. ':res'
card(held)
card(planned)
card(back)
local old = text(clock.at - ${PLANNED_LIFE_MS})
local gone = card(wait) > 0 and redis.call('ZCOUNT', back, '-inf', text(now - ${RETURN_GRACE_MS})) or 0
local waiting = math.max(0, card(wait) - gone) + redis.call('ZCOUNT', planned, old, '+inf')
return { redis.call('ZCOUNT', held, '(' .. text(now), '+inf'), waiting, math.ceil(clock.stoppedMs) }
`);

/** Takes the times from messages that wait for a rate. ARGV: how many at most. Answers them. */
export const replanLimit = script(`${KEYS_OF_LIMIT}
local planned = KEYS[1] .. ':res'
if card(planned) == 0 then return {} end
local waiters = redis.call('ZRANGE', planned, 0, tonumber(ARGV[1]) - 1)
if #waiters > 0 then redis.call('ZREM', planned, unpack(waiters)) end
redis.call('DEL', KEYS[1] .. ':plan', KEYS[1] .. ':catch')
return waiters
`);
