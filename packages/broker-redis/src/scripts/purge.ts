import { KEYS_OF_QUEUE } from './parts.ts';
import { script } from './script.ts';

/** ARGV: limit. Removes that many from the head of what is ready, and counts them; answers how many. */
export const purge = script(`${KEYS_OF_QUEUE}
local ids = redis.call('LPOP', ready, ARGV[1])
if not ids then return 0 end
redis.call('HDEL', messages, unpack(ids))
redis.call('HDEL', crashes, unpack(ids))
redis.call('HINCRBY', counts, 'purged', #ids)
return #ids
`);
