/** The keys of a queue; `docs/redis.md` says what each holds. */
export const KEYS_OF_QUEUE = `
local q = KEYS[1]
local ready, delayed, leases, bell = q .. ':ready', q .. ':delayed', q .. ':leases', q .. ':bell'
local messages, held, crashes, counts = q .. ':messages', q .. ':held', q .. ':crashes', q .. ':counts'
local dead, letters = q .. ':dead', q .. ':letters'
`;

/** The server's clock in whole milliseconds: rounded down to compare with, rounded up to wait from: never early. */
export const SERVER_TIME = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local nowUp = time[1] * 1000 + math.ceil(time[2] / 1000)
`;

/** One element is enough: who takes it rings again where more is left. */
export const RING = `
local function ring()
  if redis.call('LLEN', bell) == 0 then redis.call('RPUSH', bell, '1') end
end
`;

/**
 * Hand-overs that ended without a settlement: back to the head, in the order they were handed over, a crash counted
 * for each. Begins with a delete: under OOM a script may write on only after one (Redis 6 and 7).
 */
export const GIVE_BACK_AS_CRASHED = `
local function giveBackAsCrashed(ids)
  local holders = redis.call('HMGET', held, unpack(ids))
  redis.call('ZREM', leases, unpack(ids))
  redis.call('HDEL', held, unpack(ids))
  local returned = {}
  for i, id in ipairs(ids) do
    returned[i] = { id = id, fence = tonumber(string.match(holders[i] or '0', '^%d+')) or 0 }
  end
  table.sort(returned, function(a, b) return a.fence > b.fence end)
  for _, one in ipairs(returned) do
    redis.call('HINCRBY', crashes, one.id, 1)
    redis.call('LPUSH', ready, one.id)
  end
end
`;

/** Whether the lease of hand-over `fence` is live: not run out, and nobody else holds the message. */
export const HOLDS = `
local function holds(id, fence)
  local holder = redis.call('HGET', held, id)
  if not holder or string.match(holder, '^%d+') ~= fence then return false end
  local endsAt = redis.call('ZSCORE', leases, id)
  return endsAt and tonumber(endsAt) > now
end
`;
