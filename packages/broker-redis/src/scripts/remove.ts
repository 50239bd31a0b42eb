import { KEYS_OF_QUEUE } from './parts.ts';
import { script } from './script.ts';

/** ARGV: counter, then ids. Removes those that are ready or delayed and counts them; answers the ids removed. */
export const remove = script(`${KEYS_OF_QUEUE}
local removed = {}
for i = 2, #ARGV do
  local id = ARGV[i]
  if redis.call('ZREM', delayed, id) == 1
    or (redis.call('HEXISTS', messages, id) == 1 and redis.call('LREM', ready, 1, id) == 1) then
    redis.call('HDEL', messages, id)
    redis.call('HDEL', crashes, id)
    removed[#removed + 1] = id
  end
end
if #removed > 0 then redis.call('HINCRBY', counts, ARGV[1], #removed) end
return removed
`);
