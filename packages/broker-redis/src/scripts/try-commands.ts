import { script } from './script.ts';

/**
 * ARGV: names of commands. Tries each on KEYS[1], and answers those that the user of the connection may not run. Redis
 * checks rights before it runs a command, and every command here fails or changes a key that expires at once.
 */
export const tryCommands = script(`
local key = KEYS[1]
local arguments = {
  DEL = { key }, EXISTS = { key }, GET = { key }, HDEL = { key, '1' }, HEXISTS = { key, '1' }, HGET = { key, '1' }, HGETALL = { key },
  HINCRBY = { key, '1', '1' }, HLEN = { key }, HMGET = { key, '1' }, HSCAN = { key, '0' }, HSET = { key, '1', '1' },
  HSETNX = { key, '1', '1' }, HSTRLEN = { key, '1' }, INCR = { key }, INCRBY = { key, '1' }, LINDEX = { key, '0' }, LLEN = { key }, LPOP = { key, '1' },
  LPOS = { key, '1' }, LPUSH = { key, '1' }, LRANGE = { key, '0', '0' }, LREM = { key, '1', '1' },
  LTRIM = { key, '0', '0' }, PEXPIRE = { key, '1' }, RPOP = { key }, PUBLISH = { key, '' }, RENAME = { key, key },
  RPUSH = { key, '1' }, SADD = { key, '1' }, SET = { key, '1', 'PX', '1' }, SSCAN = { key, '0' }, TIME = {},
  TYPE = { key }, ZADD = { key, '1', '1' }, ZCARD = { key }, ZCOUNT = { key, '0', '0' }, ZRANK = { key, '1' }, ZSCAN = { key, '0' }, ZMSCORE = { key, '1' }, ZRANGE = { key, '0', '0' },
  ZRANGEBYSCORE = { key, '0', '0' }, ZREM = { key, '1' }, ZREMRANGEBYRANK = { key, '0', '0' },
  ZREMRANGEBYSCORE = { key, '0', '0' }, ZSCORE = { key, '1' },
}
local missing = {}
-- A string under the key: commands of other types fail once their right is checked.
redis.pcall('SET', key, '1', 'PX', '1000')
for _, name in ipairs(ARGV) do
  local answer = redis.pcall(name, unpack(arguments[name]))
  local err = type(answer) == 'table' and answer.err or ''
  if string.find(err, "can't run this command", 1, true) or string.find(err, "can't publish", 1, true) then
    missing[#missing + 1] = name
  end
end
redis.pcall('DEL', key)
return missing
`);
