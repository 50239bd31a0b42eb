import { SERVER_TIME } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Returns ready, delayed, running and dead messages, then the counters of the queue, all of one moment. A counter that is
 * not a number is nil. At the end: how many ids the line has, gaps included, with the due messages; and how long the first
 * due message is overdue, in milliseconds, or nil.
 *
 * A delayed message that is due counts as ready: only a consumer moves it to the line, and there may be none.
 */
export const figures = queueScript(`${SERVER_TIME}
local inLine, due = redis.call('LLEN', ready), redis.call('ZCOUNT', delayed, '-inf', now)
local waiting = redis.call('ZCARD', delayed) - due
local answer = { inLine, waiting, redis.call('ZCARD', leases), redis.call('ZCARD', dead) }
local names = { 'published', 'acknowledged', 'discarded', 'purged', 'cancelled', 'expired', 'gaps' }
for i, value in ipairs(redis.call('HMGET', counts, unpack(names))) do
  answer[4 + i] = string.match(value or '0', '^%d+$') and tonumber(value or 0) or false
end
answer[1] = math.max(0, inLine - (table.remove(answer) or 0)) + due
answer[11] = inLine + due
answer[12] = due > 0 and math.floor(now - redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2])
return answer
`);
