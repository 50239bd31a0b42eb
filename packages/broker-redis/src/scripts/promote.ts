import { RING } from './parts.ts';
import { queueScript } from './script.ts';

/** Makes delayed messages ready, ahead of those that are ready. ARGV: ids. Returns the ids that were delayed. */
export const promote = queueScript(`${RING}
redis.call('LLEN', ready)
redis.call('ZCARD', delayed)
local promoted = {}
-- The last one first, because each goes to the head.
for i = #ARGV, 1, -1 do
  local id = ARGV[i]
  if redis.call('ZREM', delayed, id) == 1 then
    redis.call('LPUSH', ready, id)
    promoted[#promoted + 1] = id
  end
end
if #promoted > 0 then ring() end
return promoted
`);
