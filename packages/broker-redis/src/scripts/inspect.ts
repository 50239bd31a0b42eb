import { KEYS_OF_QUEUE, SERVER_TIME } from './parts.ts';
import { script } from './script.ts';

/** Answers ready, delayed, running, dead, then what has come and gone: all of one moment. */
export const count = script(`${KEYS_OF_QUEUE}
local answer = {
  redis.call('LLEN', ready), redis.call('ZCARD', delayed), redis.call('ZCARD', leases), redis.call('ZCARD', dead),
}
local names = { 'published', 'acknowledged', 'discarded', 'purged', 'cancelled', 'expired' }
for i, value in ipairs(redis.call('HMGET', counts, unpack(names))) do answer[4 + i] = tonumber(value or 0) end
return answer
`);

/** ARGV: state (ready, delayed, dead), limit. Answers for each message: id, bytes, ms it still has to wait. */
export const peek = script(`${KEYS_OF_QUEUE}${SERVER_TIME}
local last = tonumber(ARGV[2]) - 1
local ids = {}
local waits = {}
if ARGV[1] == 'ready' then
  ids = redis.call('LRANGE', ready, 0, last)
elseif ARGV[1] == 'dead' then
  ids = redis.call('ZRANGE', dead, 0, last)
else
  local scored = redis.call('ZRANGE', delayed, 0, last, 'WITHSCORES')
  for i = 1, #scored, 2 do
    ids[#ids + 1] = scored[i]
    waits[#ids] = math.max(0, tonumber(scored[i + 1]) - now)
  end
end
local answer = {}
local bytes = {}
for from = 1, #ids, 500 do
  local part = {}
  for i = from, math.min(from + 499, #ids) do part[#part + 1] = ids[i] end
  for i, found in ipairs(redis.call('HMGET', ARGV[1] == 'dead' and letters or messages, unpack(part))) do
    bytes[from - 1 + i] = found
  end
end
for i, id in ipairs(ids) do
  if bytes[i] then
    answer[#answer + 1] = id
    answer[#answer + 1] = bytes[i]
    answer[#answer + 1] = waits[i] or 0
  end
end
return answer
`);
