import { ACKNOWLEDGE } from './acknowledge.ts';
import { CLAIM } from './claim.ts';
import { COUNT, GIVE_BACK_AS_CRASHED, LAST_FENCE, RING, SERVER_TIME } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Acknowledges deliveries and claims the next messages: the most frequent call of a busy consumer. ARGV: limit (0: no
 * claim), 1 for a claim ahead of messages that run first, lease in ms, worker, consumer, number of the claim, then the
 * ids to acknowledge, then their fences.
 *
 * Answers the numbers (from 1) of the acknowledgements whose lease was lost, followed, if the limit is not 0, by the
 * answer of `claim`.
 */
export const exchange =
  queueScript(`${SERVER_TIME}${RING}${COUNT}${LAST_FENCE}${GIVE_BACK_AS_CRASHED}${ACKNOWLEDGE}${CLAIM}
local limit, ahead, lease, worker = tonumber(ARGV[1]), ARGV[2] == '1', tonumber(ARGV[3]), ARGV[4]
local done = (#ARGV - 6) / 2
-- Reads of every key that is written below: a wrong type raises here, before anything has changed.
local nextEnd = redis.call('ZRANGE', leases, 0, 0, 'WITHSCORES')[2]
local state = {
  anyLapsed = nextEnd and tonumber(nextEnd) <= now,
  anyCrashed = redis.call('HLEN', crashes) > 0,
}
redis.call('HLEN', messages)
redis.call('HLEN', counts)
local lost, ids, from, to = {}, {}, 1, 0
if done > 0 then
  lost, ids, from, to = accepted(7, 6 + done, worker, state.anyLapsed)
else
  redis.call('HLEN', held)
end
local memo = q .. ':claim:' .. ARGV[5]
if limit > 0 then
  state.nextDue = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]
  state.waiting = redis.call('LLEN', ready)
  state.fence = lastFence()
  -- Only this script reads it: a value of another type is overwritten.
  local said = redis.pcall('GET', memo)
  local saidCall, before, size, endsAt = string.match(type(said) == 'string' and said or '', '^(%d+) (%d+) (%d%d?%d?) (%d+)$')
  if saidCall == ARGV[6] then state.before, state.size, state.endsAt = before, size, endsAt end
end
if to >= from then forget(ids, from, to, state.anyCrashed) end
if limit == 0 then return { lost } end
return { lost, unpack(claim(limit, ahead, lease, worker, memo, ARGV[6], state)) }
`);
