import type { Finding } from '@brokkr/core/adapter';
import { tryCommands } from '../scripts/try-commands.ts';
import type { Client } from './connect.ts';
import { evaluate } from './evaluate.ts';

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
  'PTTL',
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
 * Finds the commands that the Redis user may not run. A sender needs few of them, so a missing one is a warning: the
 * calls that need it are refused by the server.
 * @param key in the namespace of the broker; it is deleted
 */
export async function examineRights(client: Client, key: string): Promise<readonly Finding[]> {
  const missing = ((await evaluate(client, tryCommands, key, [...COMMANDS])) as readonly Buffer[]).map(String);
  if (missing.length === 0) return [];
  const rights = missing.map((name) => (name === 'PUBLISH' ? '+publish &*' : `+${name.toLowerCase()}`));
  const message = `the Redis user may not run ${missing.join(', ')}: calls that need it fail, and results are found late without PUBLISH; grant it with ACL SETUSER … ${rights.join(' ')}`;
  return [{ severity: 'warning', code: 'RIGHT_MISSING', message }];
}
