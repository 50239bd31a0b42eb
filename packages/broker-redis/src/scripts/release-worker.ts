import { GIVE_BACK_AS_CRASHED, RING } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Ends the leases that a worker holds, among one page of the held messages, as a crash each. ARGV: worker, cursor of the
 * page ('0' to begin with). Returns the next cursor ('0' at the end), then how many leases ended.
 */
export const releaseWorker = queueScript(`${RING}${GIVE_BACK_AS_CRASHED}
redis.call('LLEN', ready)
redis.call('ZCARD', leases)
redis.call('HLEN', crashes)
local page = redis.call('HSCAN', held, ARGV[2], 'COUNT', 500)
local ids = {}
for i = 1, #page[2], 2 do
  if string.match(page[2][i + 1], '^%d+ (.*)$') == ARGV[1] then ids[#ids + 1] = page[2][i] end
end
for from = 1, #ids, 500 do giveBackAsCrashed({ unpack(ids, from, math.min(from + 499, #ids)) }) end
if #ids > 0 then ring() end
return { page[1], #ids }
`);
