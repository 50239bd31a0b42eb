import { SERVER_TIME } from './parts.ts';
import { script } from './script.ts';

/** How long both keys stay after the last worker has swept them, in milliseconds, in addition to the life of its report. */
const KEPT_MS = 600_000;

/** KEYS[1] is the prefix. */
const REPORTS = `${SERVER_TIME}
local beats, reports = KEYS[1] .. ':beats', KEYS[1] .. ':reports'
`;

/** A value of another type is deleted: every worker soon reports again. */
const CHECKED_REPORTS = `${REPORTS}
if type(redis.pcall('ZCARD', beats)) == 'table' then redis.call('DEL', beats) end
if type(redis.pcall('HLEN', reports)) == 'table' then redis.call('DEL', reports) end
`;

/**
 * Stores the report of a worker. ARGV: worker, report, milliseconds until it is forgotten, '1' to sweep: to forget up to
 * 500 of those that expired. The first report of a worker sweeps, too. Returns how many workers there are; -1 without a
 * sweep, because an idle worker should cost a server next to nothing.
 */
export const storeReport = script(`${REPORTS}
local function put(key, ...)
  local answer = redis.pcall(...)
  if type(answer) ~= 'table' then return answer end
  redis.call('DEL', key)
  return redis.call(...)
end
local life = tonumber(ARGV[3])
local isNew = put(reports, 'HSET', reports, ARGV[1], string.format('%.0f ', now) .. ARGV[2]) == 1
put(beats, 'ZADD', beats, string.format('%.0f', now + life), ARGV[1])
if not isNew and ARGV[4] ~= '1' then return -1 end
local expired = redis.call('ZRANGEBYSCORE', beats, '-inf', now, 'LIMIT', 0, 500)
if #expired > 0 then
  redis.call('ZREM', beats, unpack(expired))
  redis.call('HDEL', reports, unpack(expired))
end
redis.call('PEXPIRE', beats, life + ${KEPT_MS})
redis.call('PEXPIRE', reports, life + ${KEPT_MS})
return redis.call('ZCARD', beats)
`);

/** Forgets the report of a worker. ARGV: worker. */
export const dropReport = script(`${CHECKED_REPORTS}
redis.call('ZREM', beats, ARGV[1])
redis.call('HDEL', reports, ARGV[1])
return 0
`);

/**
 * Reads one page of the reports. ARGV: cursor ('0' to begin with). Returns the next cursor ('0' at the end), then pairs of
 * a report and its age in milliseconds.
 */
export const readReports = script(`${CHECKED_REPORTS}
local page = redis.call('ZSCAN', beats, ARGV[1], 'COUNT', 100)
local answer = { page[1] }
for i = 1, #page[2], 2 do
  local report = tonumber(page[2][i + 1]) > now and redis.call('HGET', reports, page[2][i])
  local at, text = string.match(report or '', '^(%d+) (.*)$')
  if at then
    answer[#answer + 1] = text
    answer[#answer + 1] = math.max(0, now - tonumber(at))
  end
end
return answer
`);
