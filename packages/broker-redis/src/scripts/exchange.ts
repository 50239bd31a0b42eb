import { ACKNOWLEDGE } from './acknowledge.ts';
import { CLAIM } from './claim.ts';
import { COUNT, LAST_FENCE, RING, SERVER_TIME } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Acknowledges deliveries and claims the next messages: the most frequent call of a busy consumer. ARGV: limit (0: no
 * claim), 1 if messages that were claimed earlier run before these, lease in ms, worker, claimant, number of the claim,
 * then the ids to acknowledge, then their fences.
 *
 * Returns the numbers (from 1) of the acknowledgements whose lease was lost, followed, if the limit is not 0, by the
 * answer of `claim`.
 */
export const exchange = queueScript(`${SERVER_TIME}${RING}${COUNT}${LAST_FENCE}${ACKNOWLEDGE}
local limit, ahead, memo = tonumber(ARGV[1]), ARGV[2] == '1', q .. ':claim:' .. ARGV[5]
local done = (#ARGV - 6) / 2
-- Fence, size and end of the lease of this claim, if its answer was lost.
local before, size, endsAt
${CLAIM}
-- Reads of every key that is written below: a wrong type raises here, before anything has changed. Messages are read by
-- the first write if anything is acknowledged.
local nextEnd = redis.call('ZRANGE', leases, 0, 0, 'WITHSCORES')[2]
local anyLapsed = nextEnd and tonumber(nextEnd) <= now
local anyCrashed = redis.call('HLEN', crashes) > 0
local lost, ids, from, to = {}, {}, 1, 0
if done > 0 then
  lost, ids, from, to = accepted(7, 6 + done, ARGV[4], anyLapsed)
else
  redis.call('HLEN', held)
end
if to < from then redis.call('HLEN', messages) end
local nextDue, waiting, fence
if limit > 0 then
  nextDue = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]
  waiting = redis.call('LLEN', ready)
  fence = lastFence()
  -- Only this script reads it: a value of another type is overwritten.
  local said = redis.pcall('GET', memo)
  if type(said) == 'string' and string.sub(said, 1, #ARGV[6] + 1) == ARGV[6] .. ' ' then
    before, size, endsAt = string.match(said, '^%d+ (%d+) (%d%d?%d?) (%d+)$')
  end
end
if to >= from then forget(ids, from, to, anyCrashed) end
if limit == 0 then return { lost } end
return { lost, claim(waiting, nextDue, anyLapsed, anyCrashed, fence) }
`);
