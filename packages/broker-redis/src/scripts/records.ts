import { script } from './script.ts';

/** KEYS[1] is the record. A value of another type is another client's: nothing is read or changed. */
const RECORD = `
local record = KEYS[1]
local type = redis.call('TYPE', record).ok
if type ~= 'none' and type ~= 'hash' then return redis.error_reply('SPOILED hash ' .. type .. ' ' .. record) end
`;

/** Reads a record. ARGV: the fields to read; none for all of them. Returns pairs of field and value. */
export const readRecord = script(`${RECORD}
if #ARGV == 0 then return redis.call('HGETALL', record) end
local found = {}
for _, field in ipairs(ARGV) do
  local value = redis.call('HGET', record, field)
  if value then
    found[#found + 1] = field
    found[#found + 1] = value
  end
end
return found
`);

/**
 * Changes a record. ARGV: life in ms (0 removes the record), number of fields to expect, to add, to set and to remove; then
 * for each to expect its name, 1 if it must be there or else 0, and its value; for each to add and to set its name and value;
 * the names of those to remove.
 *
 * Returns 1 if the record is changed, 0 if an expected value is not there; then how many fields were added, and how many
 * there are. The first write adds or sets, unless fields are only removed: a full server refuses it before anything changed.
 */
export const changeRecord = script(`${RECORD}
local at = 6
for _ = 1, ARGV[2] do
  local found = redis.call('HGET', record, ARGV[at])
  if (ARGV[at + 1] == '1') ~= (found ~= false) or (found and found ~= ARGV[at + 2]) then
    return { 0, 0, redis.call('HLEN', record) }
  end
  at = at + 3
end
local added = 0
for _ = 1, ARGV[3] do
  added = added + redis.call('HSETNX', record, ARGV[at], ARGV[at + 1])
  at = at + 2
end
for _ = 1, ARGV[4] do
  redis.call('HSET', record, ARGV[at], ARGV[at + 1])
  at = at + 2
end
for _ = 1, ARGV[5] do
  redis.call('HDEL', record, ARGV[at])
  at = at + 1
end
redis.call('PEXPIRE', record, ARGV[1])
return { 1, added, redis.call('HLEN', record) }
`);
