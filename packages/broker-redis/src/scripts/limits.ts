import { LIMIT_LIFE_MS, PLANNED_LIFE_MS, RETURN_GRACE_MS } from '@brokkr/core/adapter';
import { HIGHEST_SCORE, KEYS_OF_LIMIT, LONGEST_STOP_MS, SLOTS } from './limit-parts.ts';
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
    keep(held, lease)
  end
end
return 0
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
local held, wait, back, planned = p .. ':held', p .. ':wait', p .. ':back', p .. ':res'
card(held)
card(planned)
card(back)
local old = text(clock.at - ${PLANNED_LIFE_MS})
local gone = card(wait) > 0 and redis.call('ZCOUNT', back, '-inf', text(now - ${RETURN_GRACE_MS})) or 0
local waiting = math.max(0, card(wait) - gone) + redis.call('ZCOUNT', planned, old, '${HIGHEST_SCORE}')
return { redis.call('ZCOUNT', held, '(' .. text(now), '${HIGHEST_SCORE}'), waiting, math.ceil(clock.stoppedMs) }
`);

/**
 * Takes the times from messages that wait for a rate. ARGV: how many at most, then for a new rate how long its whole burst
 * takes in ms. Returns them.
 */
export const rescheduleLimit = script(`${KEYS_OF_LIMIT}
local planned, due = KEYS[1] .. ':res', KEYS[1] .. ':tat'
if ARGV[2] then
  local at = clockOf(KEYS[1]).at
  local most = at + tonumber(ARGV[2])
  if number(due) > most then put(due, most, most - at) end
end
if card(planned) == 0 then return {} end
local waiters = redis.call('ZRANGE', planned, 0, tonumber(ARGV[1]) - 1)
if #waiters > 0 then redis.call('ZREM', planned, unpack(waiters)) end
redis.call('DEL', KEYS[1] .. ':plan', KEYS[1] .. ':catch')
return waiters
`);
