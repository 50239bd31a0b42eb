import { KEYS_OF_QUEUE, RING } from './parts.ts';
import { script } from './script.ts';

/**
 * ARGV: pairs of id and bytes. Puts dead letters back behind what is ready; answers how many. One whose id was sent again
 * meanwhile gives way to that, and counts as discarded.
 */
export const redrive = script(`${KEYS_OF_QUEUE}${RING}
local redriven = 0
for i = 1, #ARGV, 2 do
  local id = ARGV[i]
  if redis.call('ZREM', dead, id) == 1 then
    redis.call('HDEL', letters, id)
    if redis.call('HSETNX', messages, id, ARGV[i + 1]) == 1 then
      redis.call('RPUSH', ready, id)
    else
      redis.call('HINCRBY', counts, 'discarded', 1)
    end
    redriven = redriven + 1
  end
end
if redriven > 0 then ring() end
return redriven
`);

/** ARGV: ids. Removes dead letters and counts them; answers how many. */
export const discard = script(`${KEYS_OF_QUEUE}
local gone = redis.call('ZREM', dead, unpack(ARGV))
redis.call('HDEL', letters, unpack(ARGV))
if gone > 0 then redis.call('HINCRBY', counts, 'discarded', gone) end
return gone
`);
