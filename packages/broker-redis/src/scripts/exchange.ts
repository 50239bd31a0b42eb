import { ACKNOWLEDGE } from './acknowledge.ts';
import { CLAIM } from './claim.ts';
import { GIVE_BACK_AS_CRASHED, KEYS_OF_QUEUE, RING, SERVER_TIME } from './parts.ts';
import { script } from './script.ts';

/**
 * What a busy consumer says most: these are done, give me the next. ARGV: limit (0: none; followed by ` ahead` where
 * others are to run first), lease in ms, worker, consumer, number of the claim, then the ids that are done, then their
 * fences.
 * Answers what `acknowledge` does, followed, where the limit is not 0, by what `claim` does.
 */
export const exchange = script(`${KEYS_OF_QUEUE}${SERVER_TIME}${RING}${GIVE_BACK_AS_CRASHED}${ACKNOWLEDGE}${CLAIM}
local limit, ahead = string.match(ARGV[1], '^(%d+)(.*)$')
local worker = ARGV[3]
local done = (#ARGV - 5) / 2
local lost = done > 0 and acknowledge(6, 5 + done, worker) or {}
if limit == '0' then return { lost } end
return { lost, claim(tonumber(limit), ahead ~= '', tonumber(ARGV[2]), worker, q .. ':claim:' .. ARGV[4], ARGV[5]) }
`);
