import { KEYS_OF_QUEUE, RING } from './parts.ts';
import { script } from './script.ts';

/**
 * ARGV: pairs of id and bytes. Stores messages without delay or idempotency key: the short way of `publish`, with a
 * few commands for the whole batch. An id that is kept already is the repeat of a publish whose answer was lost. Its
 * first write grows, so that a full server refuses it before anything happened.
 */
export const append = script(`${KEYS_OF_QUEUE}${RING}
local line = {}
if #ARGV == 2 then
  if redis.call('HSETNX', messages, ARGV[1], ARGV[2]) == 0 then return 0 end
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
  if #line == 0 then return 0 end
  redis.call('HSET', messages, unpack(fields))
end
redis.call('RPUSH', ready, unpack(line))
redis.call('HINCRBY', counts, 'published', #line)
ring()
return 0
`);
