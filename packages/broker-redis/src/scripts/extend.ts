import { HOLDS, SERVER_TIME } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Renews live leases. ARGV: lease in ms, then pairs of id and fence. Returns the numbers (from 1) of those that were lost.
 * Deletes nothing, but begins with a delete: a full server allows further writes only after one.
 */
export const extend = queueScript(`${SERVER_TIME}${HOLDS}
local endsAt = string.format('%.0f', now + tonumber(ARGV[1]))
local lost, renewed = {}, {}
redis.call('ZCARD', leases)
for i = 2, #ARGV, 2 do
  if holds(ARGV[i], ARGV[i + 1]) then
    renewed[#renewed + 1] = endsAt
    renewed[#renewed + 1] = ARGV[i]
  else
    lost[#lost + 1] = i / 2
  end
end
if #renewed > 0 then
  redis.call('DEL', q .. ':none')
  redis.call('ZADD', leases, unpack(renewed))
end
return lost
`);
