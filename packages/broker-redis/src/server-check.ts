import { ConfigError } from '@brokkr/core';
import type { BrokerOptions } from '@brokkr/core';
import { Cluster } from 'ioredis';
import type { Client } from './connect.ts';

type Logger = NonNullable<BrokerOptions['logger']>;

const OLDEST = [6, 2] as const;
const CLOCK_DIFFERENCE_MS = 5_000;

/**
 * Looks once whether the server can be trusted with messages.
 * @throws ConfigError where it is too old, or may evict messages and `allowEviction` was not set
 */
export async function checkServer(client: Client, allowEviction: boolean, logger: Logger | undefined): Promise<void> {
  // All nodes of a cluster are set up alike, or a person has to look at them one by one.
  const node = client instanceof Cluster ? (client.nodes('master')[0] ?? client) : client;
  const before = Date.now();
  const [seconds] = await node.time();
  const after = Date.now();
  const info = readInfo(await node.info());
  checkVersion(info.get('redis_version') ?? '');
  checkEviction(info, allowEviction, logger);
  if (info.get('aof_enabled') === '0') {
    logger?.warn('Redis keeps no append-only file: a restart loses messages; set appendonly yes');
  }
  const serverMs = Number(seconds) * 1_000;
  const differenceMs = Math.max(before - serverMs - 1_000, serverMs - after);
  if (differenceMs > CLOCK_DIFFERENCE_MS) {
    logger?.warn(
      { differenceMs },
      "this host's clock and that of Redis differ: eta and expiresIn are judged by this host's",
    );
  }
}

function checkVersion(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw new ConfigError(`Redis ${version || 'of unknown version'} is too old: use 6.2 or newer`, {
    code: 'SERVER_TOO_OLD',
  });
}

function checkEviction(info: ReadonlyMap<string, string>, allowEviction: boolean, logger: Logger | undefined): void {
  const policy = info.get('maxmemory_policy') ?? 'noeviction';
  if (policy === 'noeviction') return;
  const problem = `Redis has maxmemory-policy ${policy}, under which it deletes messages when memory runs out; set maxmemory-policy noeviction`;
  if (!policy.startsWith('allkeys') || allowEviction) logger?.warn(problem);
  else throw new ConfigError(`${problem}, or add ?allowEviction=true to the URL`, { code: 'SERVER_EVICTS' });
}

function readInfo(info: string): Map<string, string> {
  const pairs = info.split('\r\n').map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1)] as const;
  });
  return new Map(pairs);
}
