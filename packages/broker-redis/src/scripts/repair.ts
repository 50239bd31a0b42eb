import { COUNT, GAPS, IS_FENCE, LAST_FENCE, RING, SERVER_TIME, TYPES_OF_KEYS } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Renames each key that another client overwrote to `KEY:spoiled:TIME`, so that nothing is deleted. A lost fence starts
 * again from the server's milliseconds, which is above every number given before. Returns triples of the new name, expected
 * and found type.
 */
export const moveSpoiledAway = queueScript(`${SERVER_TIME}${IS_FENCE}
${TYPES_OF_KEYS}
local moved = {}
for _, key in ipairs(types) do
  local found = redis.call('TYPE', key[1]).ok
  local expected = key[2]
  if key[1] == fences and found == 'string' then
    local text = redis.call('GET', fences)
    if not isFence(text) then expected = 'number' end
  end
  if found ~= 'none' and found ~= expected then
    local name = key[1] .. ':spoiled:' .. string.format('%.0f', now)
    redis.call('RENAME', key[1], name)
    for _, text in ipairs({ name, expected, found }) do moved[#moved + 1] = text end
  end
end
if redis.call('EXISTS', fences) == 0 and redis.call('EXISTS', dead, held) > 0 then
  redis.call('SET', fences, string.format('%.0f', now))
end
return moved
`);

/** Reads one page of the stored messages. ARGV: cursor. Returns the next cursor, then the ids that are neither delayed nor running. */
export const unplaced = queueScript(`
local page = redis.call('HSCAN', messages, ARGV[1], 'COUNT', 500)
local ids, found = {}, {}
for i = 1, #page[2], 2 do ids[#ids + 1] = page[2][i] end
for from = 1, #ids, 500 do
  local to = math.min(from + 499, #ids)
  local due = redis.call('ZMSCORE', delayed, unpack(ids, from, to))
  local ends = redis.call('ZMSCORE', leases, unpack(ids, from, to))
  for i = from, to do
    if not due[i - from + 1] and not ends[i - from + 1] then found[#found + 1] = ids[i] end
  end
end
return { page[1], found }
`);

/**
 * Puts messages back that are stored and in no line. ARGV: lease in ms, then pairs of id and delay in ms. A message that a
 * worker still holds gets a lease, which its worker renews or which expires. Returns how many were put back.
 *
 * A short line is searched for each id. A long line was searched by the caller; if an id came into it since, `claim` drops
 * the repeat. A gap that is not in line is closed.
 */
export const putBack = queueScript(`${SERVER_TIME}${RING}${COUNT}${GAPS}
for _, hash in ipairs({ messages, held }) do redis.call('HLEN', hash) end
for _, set in ipairs({ leases, delayed }) do redis.call('ZCARD', set) end
local isShort = redis.call('LLEN', ready) <= 1000
local back = 0
for i = 2, #ARGV, 2 do
  local id, delay = ARGV[i], tonumber(ARGV[i + 1])
  if redis.call('HEXISTS', messages, id) == 1
    and not redis.call('ZSCORE', delayed, id) and not redis.call('ZSCORE', leases, id)
    and not (isShort and redis.call('LPOS', ready, id)) then
    if not isGap(id) then back = back + 1 end
    if isGap(id) then
      closeGap(id)
    elseif redis.call('HEXISTS', held, id) == 1 then
      redis.call('ZADD', leases, string.format('%.0f', now + tonumber(ARGV[1])), id)
    elseif delay > 0 then
      redis.call('ZADD', delayed, string.format('%.0f', nowUp + delay), id)
    else
      redis.call('RPUSH', ready, id)
    end
  end
end
if back > 0 then ring() end
return back
`);

/** Puts letters back on the list of the dead, one page at a time. ARGV: cursor. Returns the next cursor, then how many. */
export const relistLetters = queueScript(`${LAST_FENCE}
redis.call('ZCARD', dead)
lastFence()
local page = redis.call('HSCAN', letters, ARGV[1], 'COUNT', 500)
local back = 0
for i = 1, #page[2], 2 do
  local id = page[2][i]
  if not redis.call('ZSCORE', dead, id) then
    redis.call('ZADD', dead, redis.call('INCR', fences), id)
    back = back + 1
  end
end
return { page[1], back }
`);

/**
 * Removes dead ids whose letters another client deleted, and counts them as discarded. ARGV: index of the first id of the
 * page. Returns how many ids the page had, then how many were removed.
 */
export const dropEmptyLetters = queueScript(`${COUNT}
redis.call('HLEN', counts)
redis.call('HLEN', letters)
local ids = redis.call('ZRANGE', dead, ARGV[1], ARGV[1] + 499)
local gone = 0
for _, id in ipairs(ids) do
  if redis.call('HEXISTS', letters, id) == 0 then gone = gone + redis.call('ZREM', dead, id) end
end
if gone > 0 then count('discarded', gone) end
return { #ids, gone }
`);
