/** The keys of a queue. `docs/redis.md` describes what they hold. */
export const KEYS_OF_QUEUE = `
local q = KEYS[1]
local ready, delayed, leases, bell = q .. ':ready', q .. ':delayed', q .. ':leases', q .. ':bell'
local messages, held, crashes, counts = q .. ':messages', q .. ':held', q .. ':crashes', q .. ':counts'
local dead, letters, fences = q .. ':dead', q .. ':letters', q .. ':fence'
`;

/** The type of each key. Only for scripts that look at all keys: a table costs a busy script more than its reads. */
export const TYPES_OF_KEYS = `
local types = {
  { ready, 'list' }, { delayed, 'zset' }, { leases, 'zset' }, { dead, 'zset' }, { messages, 'hash' }, { held, 'hash' },
  { crashes, 'hash' }, { counts, 'hash' }, { letters, 'hash' }, { fences, 'string' },
}
`;

/** The server's clock in whole milliseconds: `now` to compare with, `nowUp` (rounded up) to start a delay from. */
export const SERVER_TIME = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local nowUp = time[1] * 1000 + math.ceil(time[2] / 1000)
`;

/**
 * Wakes one idle consumer. One element is enough: the consumer that takes it rings again if more is left. The bell holds
 * no data, so a value of another type is deleted.
 */
export const RING = `
local function ring()
  local rung = redis.pcall('LLEN', bell)
  if type(rung) == 'table' then redis.call('DEL', bell) end
  if rung ~= 0 and type(rung) == 'number' then return end
  redis.call('RPUSH', bell, '1')
end
`;

/**
 * Adds to a counter of the queue. A value that is not a number starts again from 0. If `counts` is not a hash, nothing is
 * counted: broken counters must not stop messages.
 */
export const COUNT = `
local function count(name, by)
  if type(redis.pcall('HINCRBY', counts, name, by)) == 'table' then redis.pcall('HSET', counts, name, by) end
end
`;

/**
 * A ready message that is removed leaves a gap: its id stays in line, with empty content, because Redis takes 120 ms to
 * search a line of a million ids. Whoever reaches the gap closes it. `counts` has the number of gaps.
 *
 * If a message with the id of a gap is sent, it takes that place in line. Requires `COUNT`.
 */
export const GAPS = `
local function isGap(id)
  return redis.call('HSTRLEN', messages, id) == 0 and redis.call('HEXISTS', messages, id) == 1
end

local function countGapClosed()
  if (tonumber(redis.call('HGET', counts, 'gaps') or '') or 0) > 0 then count('gaps', -1) end
end

local function closeGap(id)
  redis.call('HDEL', messages, id)
  countGapClosed()
end
`;

/**
 * Whether a text is a fence: a whole number without a leading zero, which INCRBY would refuse, of at most 13 digits. Lua
 * prints numbers above 14 digits rounded.
 */
export const IS_FENCE = `
local function isFence(text)
  return text == '0' or (#text <= 13 and string.match(text, '^[1-9]%d*$') ~= nil)
end
`;

/** The number in `fences`. Raises an error for any other text: later the script would fail after its first writes. */
export const LAST_FENCE = `${IS_FENCE}
local function lastFence()
  local text = redis.call('GET', fences) or '0'
  if not isFence(text) then error('SPOILED number string ' .. fences, 0) end
  return tonumber(text)
end
`;

/** A crash count as it is stored. One that is not a number of up to six digits counts as 0. */
export const CRASH_COUNT = `
local function crashCount(text)
  return tonumber(string.match(text or '', '^%d%d?%d?%d?%d?%d?$')) or 0
end
`;

/**
 * Returns deliveries that ended without a settlement to the head of the line, in the order of their fences, and counts a
 * crash for each. Begins with a delete: a script may write under OOM only after one (Redis 6 and 7).
 */
export const GIVE_BACK_AS_CRASHED = `${CRASH_COUNT}
local function giveBackAsCrashed(ids)
  local holders = redis.call('HMGET', held, unpack(ids))
  local crashed = redis.call('HMGET', crashes, unpack(ids))
  redis.call('ZREM', leases, unpack(ids))
  redis.call('HDEL', held, unpack(ids))
  local returned = {}
  for i, id in ipairs(ids) do
    returned[i] = { id = id, at = i, fence = tonumber(string.match(holders[i] or '', '^%d+')) or 0 }
    redis.call('HSET', crashes, id, crashCount(crashed[i]) + 1)
  end
  table.sort(returned, function(a, b)
    if a.fence ~= b.fence then return a.fence > b.fence end
    return a.at > b.at
  end)
  for _, one in ipairs(returned) do redis.call('LPUSH', ready, one.id) end
end
`;

/**
 * Whether delivery `fence` still holds the message: no other delivery does, and its lease has not expired. A message
 * that is held and has no lease lost it to another client, which deleted or overwrote `leases`: it is still held.
 */
export const HOLDS = `
local function holds(id, fence)
  local holder = redis.call('HGET', held, id)
  if not holder or string.match(holder, '^%d+') ~= fence then return false end
  local endsAt = redis.call('ZSCORE', leases, id)
  return not endsAt or tonumber(endsAt) > now
end
`;

/**
 * Frees the idempotency key of a message that was cancelled, discarded, purged or expired, if the key still names this
 * message. `bytes` begin with the digest of the key, if the message has one (see `encodeEnvelope`).
 */
export const FREE_KEY = `
local function freeKey(id, bytes)
  local digest = bytes and string.match(bytes, '^{"d":"(%x+)"')
  if not digest then return end
  local key = q .. ':key:' .. digest
  if redis.pcall('GET', key) == '=' .. id then redis.call('DEL', key) end
end
`;
