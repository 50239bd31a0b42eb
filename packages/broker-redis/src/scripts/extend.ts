import { HOLDS, KEYS_OF_QUEUE, SERVER_TIME } from './parts.ts';
import { script } from './script.ts';

/** ARGV: lease in ms, then pairs of id and fence. Renews live leases; answers the numbers of those lost (from 1). */
export const extend = script(`${KEYS_OF_QUEUE}${SERVER_TIME}${HOLDS}
local endsAt = now + tonumber(ARGV[1])
local lost = {}
for i = 2, #ARGV, 2 do
  if holds(ARGV[i], ARGV[i + 1]) then
    redis.call('ZADD', leases, 'XX', endsAt, ARGV[i])
  else
    lost[#lost + 1] = i / 2
  end
end
return lost
`);
