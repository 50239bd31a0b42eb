import { SERVER_TIME } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Answers ready, delayed, running and dead messages, then the counters of the queue, all of one moment. A counter that is
 * not a number is nil.
 */
export const count = queueScript(`
local answer = {
  redis.call('LLEN', ready), redis.call('ZCARD', delayed), redis.call('ZCARD', leases), redis.call('ZCARD', dead),
}
local names = { 'published', 'acknowledged', 'discarded', 'purged', 'cancelled', 'expired' }
for i, value in ipairs(redis.call('HMGET', counts, unpack(names))) do
  answer[4 + i] = string.match(value or '0', '^%d+$') and tonumber(value or 0) or false
end
return answer
`);

/**
 * Reads one page of messages. ARGV: state (ready, delayed, dead), index of the first, limit. Answers how many ids the page
 * has, then for each message: id, bytes, milliseconds it still has to wait. An id without a message is left out.
 */
export const peek = queueScript(`${SERVER_TIME}
local first = tonumber(ARGV[2])
local last = first + tonumber(ARGV[3]) - 1
local ids = {}
local waits = {}
if ARGV[1] == 'ready' then
  ids = redis.call('LRANGE', ready, first, last)
elseif ARGV[1] == 'dead' then
  ids = redis.call('ZRANGE', dead, first, last)
else
  local scored = redis.call('ZRANGE', delayed, first, last, 'WITHSCORES')
  for i = 1, #scored, 2 do
    ids[#ids + 1] = scored[i]
    waits[#ids] = math.min(1e13, math.max(0, tonumber(scored[i + 1]) - now))
  end
end
local answer = { #ids }
if #ids == 0 then return answer end
for i, bytes in ipairs(redis.call('HMGET', ARGV[1] == 'dead' and letters or messages, unpack(ids))) do
  if bytes then
    answer[#answer + 1] = ids[i]
    answer[#answer + 1] = bytes
    answer[#answer + 1] = waits[i] or 0
  end
end
return answer
`);
