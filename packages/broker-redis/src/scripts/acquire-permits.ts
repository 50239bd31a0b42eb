import { FIRST_RUN_MS, LINE_WAITS, PLANNED_LIFE_MS } from '@brokkr/core/adapter';
import { HIGHEST_SCORE, KEYS_OF_LIMIT, LONGEST_LEASE_MS, SLOTS } from './limit-parts.ts';
import { script } from './script.ts';

/** The highest place in line: 15 digits, which a score holds exactly. */
const LAST_PLACE = 999_999_999_999_999;

/** How much farther ahead a time may be than the rule and the waiters explain: an earlier rule may have been slower. */
const EARLIER_RULE_MS = 86_400_000;

const ASK_FOR_SLOT = `
-- The message that asks: its name in line is made only if it is needed.
local queue, id, name
local function waiter()
  name = name or queue .. id
  return name
end

-- The place behind all waiters. A counter that another client spoiled starts again behind the last one.
local function nextPlace(line)
  local key = KEYS[line.k] .. ':seq'
  local place = redis.pcall('INCR', key)
  if type(place) == 'table' or place < 1 or place > ${LAST_PLACE} then
    local last = redis.call('ZRANGE', line.wait, ${LAST_PLACE - 1}, 1, 'BYSCORE', 'REV', 'LIMIT', 0, 1, 'WITHSCORES')
    place = math.floor(tonumber(last[2] or '') or 0) + 1
    redis.call('SET', key, string.format('%.0f', place))
  end
  return place
end

local function returnsAt(line, time)
  local at = math.ceil(time)
  if type(redis.pcall('ZADD', line.back, text(at), waiter())) == 'table' then
    redis.call('DEL', line.back)
    redis.call('ZADD', line.back, text(at), waiter())
  end
end

local function leaveLine(line)
  if line.waiting > 0 and redis.call('ZREM', line.wait, waiter()) == 1 then
    redis.call('ZREM', line.back, waiter())
    line.waiting = line.waiting - 1
  end
end

local function askForSlot(line, token, slots)
  line.slots = slots
  local stoppedMs = line.clock.stoppedMs
  if line.taken < slots and line.waiting == 0 and stoppedMs == 0 then return 0 end
  if redis.call('ZSCORE', line.held, token) then return 0 end
  local free = slots - line.taken
  local rank = line.waiting > 0 and redis.call('ZRANK', line.wait, waiter())
  if not rank then
    rank = line.waiting
    if rank < free and stoppedMs == 0 then return 0 end
    redis.call('ZADD', line.wait, nextPlace(line), waiter())
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
  returnsAt(line, now + wait)
  return math.ceil(wait)
end

-- The permits of a call are stored by 'storeSlots' in one command.
local function takeSlot(line, token)
  local granted = line.granted
  if not granted then
    granted = {}
    line.granted, line.endsAt = granted, leaseEnd(lease)
  end
  granted[#granted + 1] = line.endsAt
  granted[#granted + 1] = token
  line.taken = line.taken + 1
  leaveLine(line)
end

-- Another limit refused the message. A repeated call may find the slot that the first one took.
local function giveUpSlot(line, token)
  if line.taken > 0 then line.taken = line.taken - redis.call('ZREM', line.held, token) end
  leaveLine(line)
end

local function storeSlots(line)
  if line.granted then
    -- A token that the first call has stored is granted again, and takes no second slot.
    line.taken = line.taken - #line.granted / 2 + redis.call('ZADD', line.held, unpack(line.granted))
    keep(line.held, lease)
  end
  if line.grown then
    keep(line.wait, 0)
    keep(line.back, 0)
    keep(KEYS[line.k] .. ':seq', 0)
  end
end
`;

/** The generic cell rate algorithm, twice: see `RateLine` of the memory broker, which does the same. */
const ASK_FOR_START = `
local rates = {}
local function rateOf(k, interval, burst)
  local rate = rates[k]
  if rate then return rate end
  local p = KEYS[k]
  rate = { k = k, planned = p .. ':res', clock = clockOf(p) }
  local t = rate.clock.at
  rate.plan, rate.due, rate.catchUp = number(p .. ':plan'), number(p .. ':tat'), number(p .. ':catch')
  rate.was = { rate.plan, rate.due, rate.catchUp }
  rate.size = card(rate.planned)
  if rate.size > 0 then
    rate.size = live(rate.planned, rate.size, text(t - ${PLANNED_LIFE_MS}), '${HIGHEST_SCORE}')
  end
  -- A later time is from another client. Then the next free times follow the waiters, and the burst counts as used.
  local ahead = rate.size * interval
  rate.latest = t + ahead + burst * interval + ${EARLIER_RULE_MS}
  if rate.plan > rate.latest then rate.plan = t + ahead end
  if rate.due > rate.latest then rate.due = t + burst * interval end
  if rate.catchUp > rate.latest then rate.catchUp = t + ahead end
  rates[k] = rate
  return rate
end

local function plan(rate, at)
  rate.size = rate.size + redis.call('ZADD', rate.planned, text(at), waiter())
  rate.last = math.max(rate.last or 0, at)
  return math.max(1, math.ceil(at + rate.clock.stopped - now), math.ceil(rate.clock.stoppedMs))
end

-- The wait; 0: it may start. Then the second value is the time that it had, if it is not stored.
local function askForStart(rate, interval, burst)
  local t, early = rate.clock.at, (burst - 1) * interval
  local at = rate.size > 0 and tonumber(redis.call('ZSCORE', rate.planned, waiter()) or '')
  local isNew = not at or at > rate.latest
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
  return plan(rate, at)
end

-- Starts that no message took are lost. Messages that wait are all late by this time: the next ones line up behind them.
local function start(rate, interval, burst)
  local t = rate.clock.at
  if rate.size > 0 then
    if rate.due < t and rate.plan > t then
      local at = tonumber(redis.call('ZSCORE', rate.planned, waiter()) or '') or t
      rate.plan = rate.plan + math.max(0, t - math.max(rate.due, at + (burst - 1) * interval))
    end
    rate.size = rate.size - redis.call('ZREM', rate.planned, waiter())
  end
  rate.due = math.max(rate.due, t) + interval
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
 * Gives slots back, then asks for permits. ARGV: lease in ms, '1' if waiters are promoted, the permits that are given back
 * as in `release`, then for each group of requests: their queue, the number of their demands, for each demand the number
 * of its key, 's' or 'r', slots or interval in ms, '' or burst; then the number of requests, and for each its token and id.
 *
 * Returns three numbers for each refusal: which request, from 1, the wait, and which of its demands; then the waiters that
 * are next in line.
 */
export const acquirePermits = script(`${KEYS_OF_LIMIT}
local lease, promotes = tonumber(ARGV[1]), ARGV[2] == '1'
local latest = text(now + math.max(lease, ${LONGEST_LEASE_MS}))
local factor, shortest, longest = ${LINE_WAITS.polling.factor}, ${LINE_WAITS.polling.shortest}, ${LINE_WAITS.polling.longest}
if promotes then
  factor, shortest, longest = ${LINE_WAITS.promoted.factor}, ${LINE_WAITS.promoted.shortest}, ${LINE_WAITS.promoted.longest}
end
${SLOTS}${ASK_FOR_SLOT}${ASK_FOR_START}
local refusals, next, asked = {}, {}, 0

local function ask(demands, count, token)
  asked = asked + 1
  local unstored, by
  for d = 1, count do
    local demand, wait = demands[d]
    if demand.line then wait = askForSlot(demand.line, token, demand.slots)
    else
      local at
      wait, at = askForStart(demand.rate, demand.interval, demand.burst)
      if at and count > 1 then
        unstored = unstored or {}
        unstored[d] = at
      end
    end
    if wait > 0 then
      by = d
      refusals[#refusals + 1] = asked
      refusals[#refusals + 1] = wait
      refusals[#refusals + 1] = d
      break
    end
  end
  for d = 1, by and by - 1 or count do
    local demand = demands[d]
    if demand.line then
      if by then giveUpSlot(demand.line, token) else takeSlot(demand.line, token) end
    elseif not by then start(demand.rate, demand.interval, demand.burst)
    elseif unstored and unstored[d] then plan(demand.rate, unstored[d]) end
  end
end

local i = release(3)
while i <= #ARGV do
  local demands, count = {}, tonumber(ARGV[i + 1])
  queue = ARGV[i] .. ' '
  i = i + 2
  for d = 1, count do
    local k, a = tonumber(ARGV[i]), tonumber(ARGV[i + 2])
    if ARGV[i + 1] == 's' then demands[d] = { line = lineOf(k), slots = a }
    else
      local burst = tonumber(ARGV[i + 3])
      demands[d] = { rate = rateOf(k, a, burst), interval = a, burst = burst }
    end
    i = i + 4
  end
  local last = i + 2 * tonumber(ARGV[i])
  for at = i + 1, last, 2 do
    id, name = ARGV[at + 1], nil
    ask(demands, count, ARGV[at])
  end
  i = last + 1
end
for _, line in pairs(lines) do
  storeSlots(line)
  if promotes then nextIn(line, next) end
end
for _, rate in pairs(rates) do storeRate(rate) end
return { refusals, next }
`);
