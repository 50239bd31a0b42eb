import { IS_FENCE, TYPES_OF_KEYS } from './parts.ts';
import { queueScript } from './script.ts';

/**
 * Looks for damage that another client has done to a queue, in constant time. Returns: triples of key, expected and found
 * type of each spoiled key, as one list; then how many more messages are stored than are ready, delayed or running; how
 * many more letters than dead ids; how many more dead ids than letters.
 */
export const survey = queueScript(`
${TYPES_OF_KEYS}${IS_FENCE}
local spoiled = {}
for _, key in ipairs(types) do
  local found = redis.call('TYPE', key[1]).ok
  if found ~= 'none' and found ~= key[2] then
    for _, text in ipairs({ key[1], key[2], found }) do spoiled[#spoiled + 1] = text end
  elseif key[1] == fences then
    local text = redis.call('GET', fences) or '0'
    if not isFence(text) then
      for _, told in ipairs({ fences, 'number', 'string' }) do spoiled[#spoiled + 1] = told end
    end
  end
end
if #spoiled > 0 then return { spoiled, 0, 0, 0 } end
local placed = redis.call('LLEN', ready) + redis.call('ZCARD', delayed) + redis.call('ZCARD', leases)
local surplus = redis.call('HLEN', letters) - redis.call('ZCARD', dead)
return { spoiled, math.max(0, redis.call('HLEN', messages) - placed), math.max(0, surplus), math.max(0, -surplus) }
`);
