import { RING } from './parts.ts';
import { queueScript } from './script.ts';

/** Makes delayed messages ready, behind those that are ready. ARGV: ids. Answers the ids that were delayed. */
export const promote = queueScript(`${RING}
redis.call('LLEN', ready)
redis.call('ZCARD', delayed)
local promoted = {}
for _, id in ipairs(ARGV) do
  if redis.call('ZREM', delayed, id) == 1 then
    redis.call('RPUSH', ready, id)
    promoted[#promoted + 1] = id
  end
end
if #promoted > 0 then ring() end
return promoted
`);
