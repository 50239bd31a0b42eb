import { FIRST_RUN_MS, KEEP_SLOTS_MS, KEEP_SLOTS_OF_NEXT_MS, LINE_WAITS, RETURN_GRACE_MS } from '@brokkr/core/adapter';
import { IN_FRONT_MS, KEYS_OF_LIMIT, LONGEST_LEASE_MS, RATES, SLOTS } from './limit-parts.ts';
import { script } from './script.ts';

/** A ticket is at most so far ahead of the server's clock, in microseconds: the rest is from other clients. */
const LATEST_TICKET_MICROS = 86_400_000_000;

const ASK_FOR_SLOT = `
-- The message that asks: its name in line is made only if it is needed.
local queue, id, name
local asked = 0
local function waiter()
  name = name or queue .. id
  return name
end

-- A message waits for one limit at a time, and takes its ticket from line to line: the time of its first refusal, in
-- microseconds. 'ticketOf' returns it if the message waits in a line, 'newTicket' one behind all waiters.
local micros = time[1] * 1000000 + time[2]
local latestTicket = string.format('%.0f', micros + ${LATEST_TICKET_MICROS})

local function ticketOf(line)
  local ticket = line and line.waiting > 0 and tonumber(redis.call('ZSCORE', line.wait, waiter()) or '')
  return ticket and ticket > 0 and ticket <= tonumber(latestTicket) and ticket or nil
end

local function newTicket(line)
  if not line.last then
    local last = line.waiting > 0 and redis.call('ZRANGE', line.wait, latestTicket, 1, 'BYSCORE', 'REV', 'LIMIT', 0, 1, 'WITHSCORES')[2]
    line.last = math.floor(tonumber(last or '') or 0)
  end
  line.last = math.max(line.last + 1, micros + asked)
  return line.last
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

-- Frees the slot that is kept for the message. Returns whether there was one.
local function freeKept(line)
  local freed = line.taken > 0 and redis.call('ZREM', line.held, waiter()) or 0
  line.taken = line.taken - freed
  return freed > 0
end

local function askForSlot(line, token, slots, mayBeKept, ticket)
  local stoppedMs = line.clock.stoppedMs
  if mayBeKept and freeKept(line) and line.taken < slots and stoppedMs == 0 then return 0 end
  if line.taken < slots and line.waiting == 0 and stoppedMs == 0 then return 0 end
  if redis.call('ZSCORE', line.held, token) then return 0 end
  local free = slots - line.taken
  local rank = line.waiting > 0 and redis.call('ZRANK', line.wait, waiter())
  if not rank then
    rank = ticket and line.waiting > 0 and redis.call('ZCOUNT', line.wait, '-inf', '(' .. string.format('%.0f', ticket)) or line.waiting
    if rank < free and stoppedMs == 0 then return 0 end
    redis.call('ZADD', line.wait, string.format('%.0f', ticket or newTicket(line)), waiter())
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

-- It cannot start yet, but soon.
local function keepSlot(line, token, wait)
  giveUpSlot(line, token)
  local life = wait + ${RETURN_GRACE_MS}
  line.taken = line.taken + redis.call('ZADD', line.held, leaseEnd(life), waiter())
  keepHeld(line.held, lease)
end

local function storeSlots(line)
  if line.granted then
    -- A token that the first call has stored is granted again, and takes no second slot.
    line.taken = line.taken - #line.granted / 2 + redis.call('ZADD', line.held, unpack(line.granted))
    keepHeld(line.held, lease)
  end
  if line.grown then
    keep(line.wait, 0)
    keep(line.back, 0)
  end
end
`;

const ASK_FOR_START = `
-- How many messages start before a new one. Without calls, one whose time has passed has had its turn.
local function aheadOf(rate)
  if rate.size == 0 then return returning(rate) end
  local waiting = promotes and rate.size
    or redis.call('ZCOUNT', rate.line, text(rate.clock.at - ${RETURN_GRACE_MS}), text(rate.latest))
  return waiting + returning(rate)
end

-- Its time in the line, or the time of its call.
local function placeIn(rate)
  local at = rate.size > 0 and tonumber(redis.call('ZSCORE', rate.line, waiter()) or '')
  if at and at <= rate.latest then return at, false end
  local calledAt = rate.out > 0 and tonumber(redis.call('ZSCORE', rate.called, waiter()) or '')
  if calledAt and calledAt <= rate.latest then return calledAt, true end
end

local function wait(rate, score, at)
  rate.size = rate.size + redis.call('ZADD', rate.line, text(score), waiter())
  rate.last = math.max(rate.last or 0, score)
  return math.max(1, math.ceil(at + rate.clock.stopped - now), math.ceil(rate.clock.stoppedMs))
end

-- No message of a call gets the same time as one before it, nor an earlier one.
local function timeBehind(rate, at)
  if not rate.last and rate.size > 0 then
    rate.last = tonumber(redis.call('ZRANGE', rate.line, text(rate.latest), '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1, 'WITHSCORES')[2] or '')
  end
  return math.max(at, (rate.last or 0) + 0.001)
end

-- Returns the wait, 0 if it may start; and whether it keeps its slots.
local function askForStart(rate)
  local due = rate.clock.stoppedMs > 0 and 0 or startsDue(rate, rate.due)
  local known, isCalled
  if rate.size + rate.out > 0 then known, isCalled = placeIn(rate) end
  local ahead = not known and aheadOf(rate)
  if due > 0 and (known or ahead < due) then return 0 end
  local score
  if isCalled then
    redis.call('ZREM', rate.called, waiter())
    rate.out = rate.out - 1
    score = known - ${IN_FRONT_MS}
    ahead = redis.call('ZCOUNT', rate.line, '-inf', '(' .. text(score))
  elseif known then
    score = known
    ahead = redis.call('ZCOUNT', rate.line, promotes and '-inf' or text(rate.clock.at - ${RETURN_GRACE_MS}), '(' .. text(known))
  end
  local at = math.max(rate.due, rate.clock.at) + (ahead + 1 - rate.burst) * rate.interval
  if not score then score = timeBehind(rate, at)
  elseif not promotes then score = at end
  local waitMs = wait(rate, score, at)
  return waitMs, isCalled and waitMs <= (ahead == 0 and ${KEEP_SLOTS_OF_NEXT_MS} or ${KEEP_SLOTS_MS})
end

-- Another limit refused it. It has had its turn here.
local function passed(rate, keepsStart)
  if rate.size > 0 then rate.size = rate.size - redis.call('ZREM', rate.line, waiter()) end
  local isNew = redis.call('ZADD', rate.called, text(rate.clock.at), waiter())
  rate.out = rate.out + isNew
  -- It was called: another message may have the start.
  if isNew == 0 and not keepsStart then rate.callDue = rate.callDue - rate.interval end
  rate.hasCalled = true
end

-- Another limit refused it: it cannot use a start for which it was called. It keeps its place.
local function passOn(rate)
  if rate.out > 0 and redis.call('ZSCORE', rate.called, waiter()) then rate.callDue = rate.callDue - rate.interval end
end

local function start(rate)
  local t, wasCalled = rate.clock.at, rate.out > 0 and redis.call('ZREM', rate.called, waiter()) == 1
  if wasCalled then rate.out = rate.out - 1
  else
    if rate.size > 0 then rate.size = rate.size - redis.call('ZREM', rate.line, waiter()) end
    rate.callDue = math.max(rate.callDue, t) + rate.interval
  end
  rate.due = math.max(rate.due, t) + rate.interval
end
`;

/**
 * Gives slots back, then asks for permits. ARGV: lease in ms, '1' if waiters are promoted, the permits that are given back
 * as in `release`, then for each group of requests: their queue, the number of their demands, for each demand the number
 * of its key, 's' or 'r' or 'k' for slots that may be kept, slots or interval in ms, '' or burst; then the number of requests, and for each its token and id.
 *
 * Returns four numbers for each refusal: which request, from 1, the wait, which of its demands, and 1 if it keeps the slots
 * of those before; then the waiters that are next in line.
 */
export const acquirePermits = script(`${KEYS_OF_LIMIT}
local lease, promotes = tonumber(ARGV[1]), ARGV[2] == '1'
local latest = text(now + math.max(lease, ${LONGEST_LEASE_MS}))
local factor, shortest, longest = ${LINE_WAITS.polling.factor}, ${LINE_WAITS.polling.shortest}, ${LINE_WAITS.polling.longest}
if promotes then
  factor, shortest, longest = ${LINE_WAITS.promoted.factor}, ${LINE_WAITS.promoted.shortest}, ${LINE_WAITS.promoted.longest}
end
${SLOTS}${ASK_FOR_SLOT}${RATES}${ASK_FOR_START}
local refusals, next = {}, {}

-- Whether messages wait for a rate of these demands. On a cluster it may be on another node: they may.
local function mayWait(demands, count)
  for d = demands.slots + 1, count do
    if demands[d].rate.size + demands[d].rate.out > 0 then return true end
  end
  return demands.slots == count
end

local function ask(demands, count, token)
  asked = asked + 1
  local mayBeKept = demands.mayBeKept and mayWait(demands, count)
  local ticket, by, wait, keepsSlots
  if demands.slots > 1 then
    for d = 1, demands.slots do ticket = ticket or ticketOf(demands[d].line) end
  end
  for d = 1, count do
    local demand = demands[d]
    if demand.line then wait = askForSlot(demand.line, token, demand.slots, mayBeKept, ticket)
    else wait, keepsSlots = askForStart(demand.rate) end
    if wait > 0 then
      by = d
      refusals[#refusals + 1] = asked
      refusals[#refusals + 1] = wait
      refusals[#refusals + 1] = d
      refusals[#refusals + 1] = keepsSlots and 1 or 0
      break
    end
  end
  for d = 1, count do
    local demand = demands[d]
    -- A start is kept for a message that will be back before the next one.
    local keepsStart = by and demand.rate and demands[by].rate and wait <= math.ceil(demand.rate.interval)
    if not by then
      if demand.line then takeSlot(demand.line, token) else start(demand.rate) end
    elseif d < by then
      if demand.rate then passed(demand.rate, keepsStart)
      elseif keepsSlots then keepSlot(demand.line, token, wait)
      else giveUpSlot(demand.line, token) end
    elseif d > by then
      if demand.line then
        if mayBeKept then freeKept(demand.line) end
        leaveLine(demand.line)
      elseif not keepsStart then passOn(demand.rate) end
    end
  end
end

local i = release(3)
while i <= #ARGV do
  local demands, count = { slots = 0 }, tonumber(ARGV[i + 1])
  queue = ARGV[i] .. ' '
  i = i + 2
  for d = 1, count do
    local k, a = tonumber(ARGV[i]), tonumber(ARGV[i + 2])
    if ARGV[i + 1] ~= 'r' then
      local line = lineOf(k)
      line.slots, demands.slots, demands.mayBeKept = a, d, ARGV[i + 1] == 'k'
      demands[d] = { line = line, slots = a }
    else demands[d] = { rate = rateOf(k, a, tonumber(ARGV[i + 3])) } end
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
