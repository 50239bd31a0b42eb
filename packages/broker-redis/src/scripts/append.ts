import { COUNT, RING } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Stores messages without delay or idempotency key: the short path of `publish`, with a few commands for the whole batch.
 * ARGV: pairs of id and bytes. An id that is stored already is the repeat of a publish whose answer was lost.
 *
 * Answers 1 if the queue had counted no message before (it is new, or the server lost its data), else 0. The first write
 * needs memory, so a full server refuses it before anything has changed.
 */
export const append = queueScript(`${RING}${COUNT}
redis.call('LLEN', ready)
local isFirst = redis.call('HEXISTS', counts, 'published') == 0 and 1 or 0
local line = {}
if #ARGV == 2 then
  if redis.call('HSETNX', messages, ARGV[1], ARGV[2]) == 0 then return isFirst end
  line[1] = ARGV[1]
else
  for i = 1, #ARGV, 2 do line[#line + 1] = ARGV[i] end
  local kept = redis.call('HMGET', messages, unpack(line))
  local ids, seen = line, {}
  local fields = {}
  line = {}
  for i = 1, #ids do
    local id = ids[i]
    if not kept[i] and not seen[id] then
      seen[id] = true
      line[#line + 1] = id
      fields[2 * #line - 1], fields[2 * #line] = id, ARGV[2 * i]
    end
  end
  if #line == 0 then return isFirst end
  redis.call('HSET', messages, unpack(fields))
end
redis.call('RPUSH', ready, unpack(line))
count('published', #line)
ring()
return isFirst
`);
