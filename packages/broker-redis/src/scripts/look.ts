import { SERVER_TIME } from './parts.ts';
import { script } from './script.ts';

/**
 * KEYS: prefixes of queues. Looks at each queue without changing anything, and returns the milliseconds until there is
 * something to claim: 0 now, -1 if nothing is ready, delayed or leased. A queue whose keys hold foreign data counts as
 * one with something to claim, because the claim reports it.
 */
export const look = script(`${SERVER_TIME}
local answer = {}
for i, q in ipairs(KEYS) do
  local due = redis.pcall('ZRANGE', q .. ':delayed', 0, 0, 'WITHSCORES')
  local ends = redis.pcall('ZRANGE', q .. ':leases', 0, 0, 'WITHSCORES')
  if due.err or ends.err or redis.call('EXISTS', q .. ':ready') == 1 then
    answer[i] = 0
  else
    local at = math.min(tonumber(due[2]) or 1e15, tonumber(ends[2]) or 1e15)
    answer[i] = at < 1e15 and math.max(0, math.ceil(at - now)) or -1
  end
end
return answer
`);
