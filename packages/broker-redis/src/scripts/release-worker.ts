import { GIVE_BACK_AS_CRASHED, KEYS_OF_QUEUE, RING } from './parts.ts';
import { script } from './script.ts';

/** ARGV: worker. Ends every lease it holds in this queue, as a crash each; answers how many. */
export const releaseWorker = script(`${KEYS_OF_QUEUE}${RING}${GIVE_BACK_AS_CRASHED}
local holders = redis.call('HGETALL', held)
local ids, released = {}, 0
for i = 1, #holders, 2 do
  if string.match(holders[i + 1], '^%d+ (.*)$') == ARGV[1] then ids[#ids + 1] = holders[i] end
  if #ids == 500 then
    giveBackAsCrashed(ids)
    ids, released = {}, released + 500
  end
end
if #ids > 0 then giveBackAsCrashed(ids) end
released = released + #ids
if released > 0 then ring() end
return released
`);
