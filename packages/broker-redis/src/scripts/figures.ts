import { queueScript } from './script.ts';

/**
 * Returns ready, delayed, running and dead messages, then the counters of the queue, all of one moment. A counter that is
 * not a number is nil. At the end: how many ids the line has, gaps included.
 */
export const figures = queueScript(`
local inLine = redis.call('LLEN', ready)
local answer = { inLine, redis.call('ZCARD', delayed), redis.call('ZCARD', leases), redis.call('ZCARD', dead) }
local names = { 'published', 'acknowledged', 'discarded', 'purged', 'cancelled', 'expired', 'gaps' }
for i, value in ipairs(redis.call('HMGET', counts, unpack(names))) do
  answer[4 + i] = string.match(value or '0', '^%d+$') and tonumber(value or 0) or false
end
answer[1] = math.max(0, inLine - (table.remove(answer) or 0))
answer[11] = inLine
return answer
`);
