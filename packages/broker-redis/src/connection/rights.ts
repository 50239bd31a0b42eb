import type { Finding } from '@brokkr/core/adapter';
import { tryCommands } from '../scripts/try-commands.ts';
import type { Script } from '../scripts/script.ts';
import type { Client } from './connect.ts';
import { evaluate } from './evaluate.ts';

/** A command whose failure ends a script; those called by `redis.pcall` may fail. */
const CALL = /redis\.call\('([A-Z]+)'/g;

/** The commands that workers, senders and tools run, in scripts or by themselves; BLPOP and SUBSCRIBE are not for scripts. */
export const COMMANDS = [
  'DEL',
  'EXISTS',
  'GET',
  'HDEL',
  'HEXISTS',
  'HGET',
  'HGETALL',
  'HINCRBY',
  'HLEN',
  'HMGET',
  'HSCAN',
  'HSET',
  'HSETNX',
  'HSTRLEN',
  'INCR',
  'INCRBY',
  'LINDEX',
  'LLEN',
  'LPOP',
  'LPOS',
  'LPUSH',
  'LRANGE',
  'LREM',
  'LTRIM',
  'PEXPIRE',
  'PUBLISH',
  'RENAME',
  'RPOP',
  'RPUSH',
  'SADD',
  'SET',
  'SSCAN',
  'TIME',
  'TYPE',
  'ZADD',
  'ZCARD',
  'ZCOUNT',
  'ZMSCORE',
  'ZRANGE',
  'ZRANGEBYSCORE',
  'ZRANK',
  'ZREM',
  'ZREMRANGEBYRANK',
  'ZREMRANGEBYSCORE',
  'ZSCAN',
  'ZSCORE',
] as const;

/**
 * Returns those of `COMMANDS` that the Redis user may not run.
 * @param key in the namespace of the broker; it is deleted
 */
export async function missingCommands(client: Client, key: string): Promise<readonly string[]> {
  return ((await evaluate(client, tryCommands, key, [...COMMANDS])) as readonly Buffer[]).map(String);
}

/** A sender needs few of the commands, so a missing one is a warning: the calls that need it are refused. */
export function rightsFindings(missing: readonly string[]): readonly Finding[] {
  if (missing.length === 0) return [];
  const rights = missing.map((name) => (name === 'PUBLISH' ? '+publish &*' : `+${name.toLowerCase()}`));
  const message = `the Redis user may not run ${missing.join(', ')}: calls that need it are refused, and results are found late without PUBLISH; grant it with ACL SETUSER … ${rights.join(' ')}`;
  return [{ severity: 'warning', code: 'RIGHT_MISSING', message }];
}

/**
 * Returns the error of a script that calls a command which the user may not run; `undefined` if it calls none. Redis would
 * run the script up to that command, and keep what it wrote: a message could be in no list then.
 */
export function refusalOf({ lua }: Script, missing: ReadonlySet<string>): Error | undefined {
  const lacking = [...lua.matchAll(CALL)].map(([, name]) => name as string).find((name) => missing.has(name));
  if (lacking === undefined) return undefined;
  return new Error(
    `NOPERM this user may not run ${lacking}, which the call needs: nothing was changed; grant it with ACL SETUSER … +${lacking.toLowerCase()}`,
  );
}
