import { KEYS_OF_QUEUE, RING, SERVER_TIME } from './parts.ts';
import { script } from './script.ts';

/**
 * ARGV: life of idempotency keys in ms, then for each message: id, bytes, delay in ms, idempotency key or ''.
 * Answers pairs of the number of a message (from 1) whose key was known, and the id it belongs to.
 * An id that is kept already is the repeat of a publish whose answer was lost. Its first write grows, so that a full
 * server refuses it before anything happened.
 */
export const publish = script(`${KEYS_OF_QUEUE}${SERVER_TIME}${RING}
local keyTtl = ARGV[1]
local known, line = {}, {}
local stored, earlier = 0, false
for i = 2, #ARGV, 4 do
  local id, delay, key = ARGV[i], tonumber(ARGV[i + 2]), ARGV[i + 3]
  local holder = id
  if key ~= '' then
    local name = q .. ':key:' .. redis.sha1hex(key)
    if not redis.call('SET', name, id, 'NX', 'PX', keyTtl) then holder = redis.call('GET', name) end
  end
  if holder ~= id then
    known[#known + 1] = (i + 2) / 4
    known[#known + 1] = holder
  elseif redis.call('HSETNX', messages, id, ARGV[i + 1]) == 1 then
    stored = stored + 1
    if delay > 0 then
      redis.call('ZADD', delayed, nowUp + delay, id)
      -- Who sleeps until the first due time has to learn of an earlier one.
      if redis.call('ZRANGE', delayed, 0, 0)[1] == id then earlier = true end
    else
      line[#line + 1] = id
    end
  end
end
if stored > 0 then redis.call('HINCRBY', counts, 'published', stored) end
if #line > 0 then redis.call('RPUSH', ready, unpack(line)) end
if #line > 0 or earlier then ring() end
return known
`);
