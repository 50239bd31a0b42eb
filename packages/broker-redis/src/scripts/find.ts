import { SERVER_TIME } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Finds messages by id. ARGV: ids. Returns for each one that is there: its number (from 1), its state, bytes,
 * milliseconds it still has to wait, and the worker that holds it or ''.
 */
export const find = queueScript(`${SERVER_TIME}
local answer = {}
local function add(i, state, bytes, wait, worker)
  for _, value in ipairs({ i, state, bytes, wait, worker }) do answer[#answer + 1] = value end
end
for i, id in ipairs(ARGV) do
  local bytes = redis.call('HGET', messages, id)
  if bytes and bytes ~= '' then
    local due = redis.call('ZSCORE', delayed, id)
    local holder = not due and redis.call('HGET', held, id)
    -- Due, it is ready: it only waits for a consumer that moves it to the line.
    if due and tonumber(due) > now then
      add(i, 'delayed', bytes, math.min(1e13, tonumber(due) - now), '')
    elseif holder then
      add(i, 'running', bytes, 0, string.match(holder, '^%d+ (.*)$') or '')
    else
      add(i, 'ready', bytes, 0, '')
    end
  elseif redis.call('ZSCORE', dead, id) then
    local letter = redis.call('HGET', letters, id)
    if letter then add(i, 'dead', letter, 0, '') end
  end
end
return answer
`);
