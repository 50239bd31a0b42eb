import { COUNT, GAPS, RING, SERVER_TIME } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Stores messages. ARGV for each message: id, bytes, delay in ms, digest of its idempotency key or '', how long
 * the key is kept in ms, generation of the key's slot.
 *
 * Returns 1 if the queue had counted no message before (it is new, or the server lost its data), else 0; then pairs: the
 * number (from 1) of a message whose key belongs to another message, and the id of that one; or '' if the key has left
 * this queue since the sender read its slot, and nothing was stored.
 *
 * An id that is stored already, or whose key names it, is the repeat of a publish whose answer was lost: it is not stored
 * again, also if it has ended since. A key holds `=ID`, or `>GENERATION` after it left; any other
 * value is not ours and is overwritten. The first write
 * needs memory, so a full server refuses it before anything has changed.
 */
export const publish = queueScript(`${SERVER_TIME}${RING}${COUNT}${GAPS}
redis.call('LLEN', ready)
redis.call('ZCARD', delayed)
redis.call('HLEN', messages)
local known, line = { redis.call('HEXISTS', counts, 'published') == 0 and 1 or 0 }, {}
local stored, earlier, fills = 0, false, false
for i = 1, #ARGV, 6 do
  local id, delay, digest = ARGV[i], tonumber(ARGV[i + 2]), ARGV[i + 3]
  local key = digest ~= '' and q .. ':key:' .. digest
  local found = key and redis.pcall('GET', key)
  local holder = type(found) == 'string' and string.match(found, '^=(.+)$')
  local left = type(found) == 'string' and string.match(found, '^>(%d+)$')
  if left and tonumber(left) >= tonumber(ARGV[i + 5]) then holder = '' end
  if holder then
    if holder ~= id then
      known[#known + 1] = (i + 5) / 6
      known[#known + 1] = holder
    end
  else
    if key then redis.call('SET', key, '=' .. id, 'PX', ARGV[i + 4]) end
    local isNew = redis.call('HSETNX', messages, id, ARGV[i + 1]) == 1
    local fillsGap = not isNew and isGap(id)
    if fillsGap then
      redis.call('HSET', messages, id, ARGV[i + 1])
      countGapClosed()
      if delay > 0 then redis.call('LREM', ready, 1, id) end
    end
    if isNew or fillsGap then
      stored = stored + 1
      if fillsGap and delay == 0 then
        fills = true
      elseif delay > 0 then
        redis.call('ZADD', delayed, nowUp + delay, id)
        -- A consumer that sleeps until the first due time has to learn of an earlier one.
        if redis.call('ZRANGE', delayed, 0, 0)[1] == id then earlier = true end
      else
        line[#line + 1] = id
      end
    end
  end
end
if stored > 0 then count('published', stored) end
if #line > 0 then redis.call('RPUSH', ready, unpack(line)) end
if #line > 0 or earlier or fills then ring() end
return known
`);
