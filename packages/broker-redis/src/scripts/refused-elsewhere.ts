import { RETURN_GRACE_MS } from '@brokkr/core/adapter';
import { KEYS_OF_LIMIT, RATES } from './limit-parts.ts';
import { script } from './script.ts';

/**
 * Keeps slots for messages that a limit on another node refused, as `acquirePermits` does on one node. ARGV, for each slot:
 * the number of its key, its token, the wait, and the waiter.
 */
export const keepSlots = script(`${KEYS_OF_LIMIT}
for i = 1, #ARGV, 4 do
  local held = KEYS[tonumber(ARGV[i])] .. ':held'
  if redis.call('ZREM', held, ARGV[i + 1]) == 1 then
    local life = tonumber(ARGV[i + 2]) + ${RETURN_GRACE_MS}
    redis.call('ZADD', held, leaseEnd(life), ARGV[i + 3])
    keepHeld(held, life)
  end
end
return 0
`);

/**
 * Gives up starts of messages that a limit on another node refused, as `acquirePermits` does on one node. ARGV, for each:
 * the number of the key, interval in ms, burst, '1' if the start was granted, '1' if it stays the message's, the waiter.
 */
export const passStarts = script(`${KEYS_OF_LIMIT}${RATES}
for i = 1, #ARGV, 6 do
  local rate = rateOf(tonumber(ARGV[i]), tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]))
  local granted, kept, waiter = ARGV[i + 3] == '1', ARGV[i + 4] == '1', ARGV[i + 5]
  local givesUp = not kept
  if granted then
    -- The start took the message out of those that were called. After a lost answer this runs twice, and it is back already.
    if redis.call('ZADD', rate.called, text(rate.clock.at), waiter) == 1 then rate.due = rate.due - rate.interval
    else givesUp = false end
    rate.hasCalled = true
  else givesUp = givesUp and rate.out > 0 and redis.call('ZSCORE', rate.called, waiter) end
  if givesUp then rate.callDue = rate.callDue - rate.interval end
end
for _, rate in pairs(rates) do storeRate(rate) end
return 0
`);
