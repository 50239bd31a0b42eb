import { ACKNOWLEDGE } from './acknowledge.ts';
import { CLAIM } from './claim.ts';
import { GIVE_BACK_AS_CRASHED, KEYS_OF_QUEUE, RING, SERVER_TIME } from './parts.ts';
import { script } from './script.ts';

/**
 * What a busy consumer says most: these are done, give me the next. ARGV: limit (0: none), 1 for a claim ahead of
 * others that are to run first, lease in ms, worker, consumer, number of the claim, then the ids that are done, then
 * their fences.
 * Answers what `acknowledge` does, followed, where the limit is not 0, by what `claim` does.
 */
export const exchange = script(`${KEYS_OF_QUEUE}${SERVER_TIME}${RING}${GIVE_BACK_AS_CRASHED}${ACKNOWLEDGE}${CLAIM}
local limit, ahead, lease, worker = tonumber(ARGV[1]), ARGV[2] == '1', tonumber(ARGV[3]), ARGV[4]
local done = (#ARGV - 6) / 2
local lost = done > 0 and acknowledge(7, 6 + done, worker) or {}
if limit == 0 then return { lost } end
return { lost, claim(limit, ahead, lease, worker, q .. ':claim:' .. ARGV[5], ARGV[6]) }
`);
