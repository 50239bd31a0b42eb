import { createHash } from 'node:crypto';

/** One atomic move, run inside the server. `KEYS[1]` is the queue's prefix; every other key is built from it. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

/**
 * Scripts are constants: names, ids and bytes reach them as `KEYS` and `ARGV` only. All of them are harmless when
 * they run twice, because a client sends a command again when its answer was lost.
 */
export function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/** What a script answers: integers, bytes, or lists of them. */
export type Reply = number | Buffer | readonly (number | Buffer)[];
