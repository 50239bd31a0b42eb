import { COUNT, GAPS, RING } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Stores messages without delay or idempotency key: the short path of `publish`, with a few commands for the whole batch.
 * ARGV: pairs of id and bytes. An id that is stored already is the repeat of a publish whose answer was lost. An id whose
 * message was removed takes its old place in line (see `GAPS`).
 *
 * Returns 1 if the queue had counted no message before (it is new, or the server lost its data), else 0. The first write
 * needs memory, so a full server refuses it before anything has changed.
 */
export const append = queueScript(`${RING}${COUNT}${GAPS}
redis.call('LLEN', ready)
local isFirst = redis.call('HEXISTS', counts, 'published') == 0 and 1 or 0
local line, filled = {}, 0
if #ARGV == 2 then
  if redis.call('HSETNX', messages, ARGV[1], ARGV[2]) == 1 then
    line[1] = ARGV[1]
  elseif isGap(ARGV[1]) then
    redis.call('HSET', messages, ARGV[1], ARGV[2])
    filled = 1
  else
    return isFirst
  end
else
  for i = 1, #ARGV, 2 do line[#line + 1] = ARGV[i] end
  local kept = redis.call('HMGET', messages, unpack(line))
  local ids, seen = line, {}
  local fields = {}
  line = {}
  for i = 1, #ids do
    local id = ids[i]
    if (not kept[i] or kept[i] == '') and not seen[id] then
      seen[id] = true
      if kept[i] then filled = filled + 1 else line[#line + 1] = id end
      local at = 2 * (#line + filled)
      fields[at - 1], fields[at] = id, ARGV[2 * i]
    end
  end
  if #fields == 0 then return isFirst end
  redis.call('HSET', messages, unpack(fields))
end
if #line > 0 then redis.call('RPUSH', ready, unpack(line)) end
for _ = 1, filled do countGapClosed() end
count('published', #line + filled)
ring()
return isFirst
`);
