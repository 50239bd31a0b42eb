import {
  LIMIT_LIFE_MS,
  MOST_CALLED,
  PLANNED_LIFE_MS,
  RETURN_GRACE_MS,
  SLOT_LOOK_MS,
  STAND_BY_MS,
} from '@brokkr/core/adapter';
import { HIGHEST_SCORE, KEYS_OF_LIMIT, LONGEST_STOP_MS, RATES, SLOTS } from './limit-parts.ts';
import { script } from './script.ts';

/** Gives slots back. ARGV: '1' if waiters are promoted, then as `release`. Returns the waiters that are next in line. */
export const releasePermits = script(`${KEYS_OF_LIMIT}
local latest = '${HIGHEST_SCORE}'
${SLOTS}
local next = {}
release(2)
if ARGV[1] == '1' then
  for _, line in pairs(lines) do nextIn(line, next) end
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
    redis.call('ZADD', held, 'XX', leaseEnd(lease), ARGV[i + 1])
    keepHeld(held, lease)
  end
end
return 0
`);

/** A slot for which messages wait is looked at at least so often, in milliseconds. */
const LONGEST_LOOK_MS = 60_000;

/** Between two calls of a key there is at least this time, in milliseconds, or a tenth of its interval if that is less. */
const CALL_EVERY_MS = 10;

/**
 * Names the messages whose turn it is. ARGV, for each line: the number of its key, 's' or 'r', slots or interval in ms, ''
 * or burst, '1' if the rule may be new, '1' if the call comes before its time, the number of messages that are gone, and
 * these. Returns the messages, then for each line the milliseconds after which to call again; -1: not at all.
 */
export const callWaiters = script(`${KEYS_OF_LIMIT}
local latest = '${HIGHEST_SCORE}'
${SLOTS}${RATES}
local next, again = {}, {}

local function leave(key, gone)
  return #gone > 0 and redis.call('ZREM', key, unpack(gone)) or 0
end

local function callRate(rate, gone, isEarly)
  if rate.size > 0 then rate.size = rate.size - leave(rate.line, gone) end
  if rate.out > 0 then
    local left = leave(rate.called, gone)
    rate.out = rate.out - left
    -- The starts for which they were called are those of the next ones.
    rate.callDue = rate.callDue - left * rate.interval
  end
  local t, calls = rate.clock.at, startsDue(rate, rate.callDue)
  local most = rate.clock.stoppedMs > 0 and 0 or math.min(startsDue(rate, rate.due), calls, ${MOST_CALLED})
  local named = rate.size > 0 and most > 0 and redis.call('ZRANGE', rate.line, 0, most - 1) or {}
  if #named > 0 then
    redis.call('ZREM', rate.line, unpack(named))
    local called = {}
    for _, waiter in ipairs(named) do
      called[#called + 1] = text(t)
      called[#called + 1] = waiter
      next[#next + 1] = waiter
    end
    redis.call('ZADD', rate.called, unpack(called))
    rate.size, rate.hasCalled = rate.size - #named, true
    rate.callDue = math.max(rate.callDue, t) + #named * rate.interval
  end
  if rate.size == 0 then return -1 end
  local due = math.max(rate.due, rate.callDue, t) - (rate.burst - 1) * rate.interval
  if #named == 0 and calls == 0 and not isEarly then due = due + ${STAND_BY_MS} end
  return math.ceil(math.max(due - t, rate.clock.stoppedMs, math.min(${CALL_EVERY_MS}, rate.interval / 10)))
end

-- Messages that wait by a rule of the other kind ask again.
local function nameAll(key)
  if card(key) == 0 then return end
  local waiters = redis.call('ZRANGE', key, 0, ${MOST_CALLED - 1})
  redis.call('ZREM', key, unpack(waiters))
  for _, waiter in ipairs(waiters) do next[#next + 1] = waiter end
end

-- A slot may lapse, or a message that was named may not return.
local function lookAgain(line)
  if line.waiting <= 0 then return -1 end
  local first = line.taken >= line.slots and redis.call('ZRANGE', line.held, 0, 0, 'WITHSCORES')[2]
  local lapsesMs = (tonumber(first or '') or now) - now
  return math.max(${SLOT_LOOK_MS}, math.min(${LONGEST_LOOK_MS}, math.ceil(lapsesMs) + 1))
end

local i = 1
while i <= #ARGV do
  local k, kind, size = tonumber(ARGV[i]), ARGV[i + 1], tonumber(ARGV[i + 2])
  local isNew, isEarly = ARGV[i + 4] == '1', ARGV[i + 5] == '1'
  local last, gone = i + 6 + tonumber(ARGV[i + 6]), {}
  for at = i + 7, last do gone[#gone + 1] = ARGV[at] end
  if kind == 's' then
    local line = lineOf(k)
    line.slots = size
    line.waiting = line.waiting - leave(line.wait, gone)
    leave(line.back, gone)
    if isNew then nameAll(KEYS[k] .. ':res') end
    nextIn(line, next)
    again[#again + 1] = lookAgain(line)
  else
    local rate = rateOf(k, size, tonumber(ARGV[i + 3]))
    if isNew then
      nameAll(KEYS[k] .. ':wait')
      local most = rate.clock.at + rate.burst * rate.interval
      rate.due, rate.callDue = math.min(rate.due, most), math.min(rate.callDue, most)
    end
    again[#again + 1] = callRate(rate, gone, isEarly)
  end
  i = last + 1
end
for _, rate in pairs(rates) do storeRate(rate) end
return { next, again }
`);

/** Stops the clock of a key. ARGV: milliseconds from now. */
export const stopLimit = script(`${KEYS_OF_LIMIT}
local clock = clockOf(KEYS[1])
local from = math.max(now, clock.untilAt)
local untilAt = math.max(from, now + math.min(tonumber(ARGV[1]), ${LONGEST_STOP_MS}))
local value = text(untilAt) .. ' ' .. text(clock.stopped + untilAt - from)
redis.call('SET', KEYS[1] .. ':stop', value, 'PX', string.format('%.0f', untilAt - now + ${LIMIT_LIFE_MS}))
return 0
`);

/** What a key holds: permits, waiters, and the milliseconds for which its clock stands still. */
export const readLimit = script(`${KEYS_OF_LIMIT}
local p, clock = KEYS[1], clockOf(KEYS[1])
local held, wait, back, line, called = p .. ':held', p .. ':wait', p .. ':back', p .. ':res', p .. ':call'
card(held)
card(line)
card(called)
card(back)
local old = text(clock.at - ${PLANNED_LIFE_MS})
local gone = card(wait) > 0 and redis.call('ZCOUNT', back, '-inf', text(now - ${RETURN_GRACE_MS})) or 0
local waiting = math.max(0, card(wait) - gone) + redis.call('ZCOUNT', line, old, '${HIGHEST_SCORE}')
waiting = waiting + redis.call('ZCOUNT', called, text(clock.at - ${RETURN_GRACE_MS}), '${HIGHEST_SCORE}')
return { redis.call('ZCOUNT', held, '(' .. text(now), '${HIGHEST_SCORE}'), waiting, math.ceil(clock.stoppedMs) }
`);

/**
 * Takes their places from messages that wait for a rate. ARGV: how many at most, then for a new rate how long its whole burst
 * takes in ms. Returns them.
 */
export const rescheduleLimit = script(`${KEYS_OF_LIMIT}
local line, due = KEYS[1] .. ':res', KEYS[1] .. ':tat'
if ARGV[2] then
  local at = clockOf(KEYS[1]).at
  local most = at + tonumber(ARGV[2])
  if number(due) > most then put(due, most, most - at) end
end
if card(line) == 0 then return {} end
local waiters = redis.call('ZRANGE', line, 0, tonumber(ARGV[1]) - 1)
if #waiters > 0 then redis.call('ZREM', line, unpack(waiters)) end
redis.call('DEL', KEYS[1] .. ':plan')
return waiters
`);
