import { LIMIT_LIFE_MS, MOST_WAITING_KEYS, OVERDUE_MS, PLANNED_LIFE_MS } from '@brokkr/core/adapter';
import { script } from './script.ts';

/**
 * Notes when keys of limits are to be called next. KEYS: the sorted set of keys. ARGV, for each key: 'earlier', 'at' or
 * 'never', milliseconds from now, its name. 'earlier' keeps an earlier time.
 */
export const noteCalls = script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
if type(redis.pcall('ZCARD', KEYS[1])) == 'table' then redis.call('DEL', KEYS[1]) end
for i = 1, #ARGV, 3 do
  local at = string.format('%.0f', now + tonumber(ARGV[i + 1]))
  if ARGV[i] == 'never' then
    -- A later time may be from a message that another worker has refused since.
    local known = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i + 2]) or '')
    if known and known <= now then redis.call('ZREM', KEYS[1], ARGV[i + 2]) end
  elseif ARGV[i] == 'at' then redis.call('ZADD', KEYS[1], at, ARGV[i + 2])
  else redis.call('ZADD', KEYS[1], 'LT', at, ARGV[i + 2]) end
end
redis.call('ZREMRANGEBYRANK', KEYS[1], ${MOST_WAITING_KEYS}, -1)
redis.call('PEXPIRE', KEYS[1], ${LIMIT_LIFE_MS})
return 0
`);

/** Returns the names of keys. ARGV: '1' for those alone whose calls are overdue. */
export const readCalls = script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
if type(redis.pcall('ZCARD', KEYS[1])) == 'table' then
  redis.call('DEL', KEYS[1])
  return {}
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - ${PLANNED_LIFE_MS}))
local latest = ARGV[1] == '1' and string.format('%.0f', now - ${OVERDUE_MS}) or '+inf'
return redis.call('ZRANGE', KEYS[1], '-inf', latest, 'BYSCORE', 'LIMIT', 0, ${MOST_WAITING_KEYS})
`);
