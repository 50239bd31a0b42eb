import { createHash } from 'node:crypto';
import { KEYS_OF_QUEUE, TYPES_OF_KEYS } from './parts.ts';

/** One atomic operation that runs inside the server. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

/**
 * Creates a script of constant Lua: names, ids and bytes are passed as `KEYS` and `ARGV` only. Every script can safely
 * run twice, because a client repeats a command if its answer was lost.
 */
export function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/**
 * Makes a script for one queue. `KEYS[1]` is the prefix of the queue; all its keys are built from it.
 *
 * Redis does not undo what a script wrote before it failed. So every script first reads each key that it will write, which
 * raises an error if another client left a value of another type there, and only then writes. The error then names that
 * key (see `spoiledKey`).
 */
export function queueScript(body: string): Script {
  return script(`${KEYS_OF_QUEUE}
local function move()
${body}
end
local isDone, answer = pcall(move)
if isDone then return answer end
${TYPES_OF_KEYS}
for _, key in ipairs(types) do
  local found = redis.call('TYPE', key[1]).ok
  if found ~= 'none' and found ~= key[2] then
    return redis.error_reply('SPOILED ' .. key[2] .. ' ' .. found .. ' ' .. key[1])
  end
end
-- Redis 7 raises a table, Redis 6 a text with the place in front.
if type(answer) == 'table' then return redis.error_reply(answer.err) end
return redis.error_reply(string.match(answer, '%-(%u+ .*)$') or answer)
`);
}

/** The answer of a script: integers, bytes, or lists of them. */
export type Reply = number | Buffer | readonly (number | Buffer)[];
