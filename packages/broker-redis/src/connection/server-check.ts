import { type BrokerOptions, ConfigError, type Finding } from '@brokkr/core/adapter';
import { type Client, isCluster } from './connect.ts';
import { serverTime } from './server-time.ts';

const OLDEST = [6, 2] as const;
const CLOCK_DIFFERENCE_MS = 5_000;

/**
 * Checks once whether the server can be trusted with messages, and logs warnings.
 * @throws ConfigError if it is too old, or may evict messages and `allowEviction` is not set
 */
export async function checkServer(
  client: Client,
  allowEviction: boolean,
  logger: BrokerOptions['logger'],
): Promise<void> {
  for (const { severity, code, message } of await examineServer(client, allowEviction)) {
    if (severity === 'error') throw new ConfigError(message, { code });
    logger?.warn({ code }, message);
  }
}

/** Returns the problems of the server. */
export async function examineServer(client: Client, allowEviction: boolean): Promise<readonly Finding[]> {
  // All nodes of a cluster have the same settings, or a person must check them one by one.
  const node = isCluster(client) ? (client.nodes('master')[0] ?? client) : client;
  const before = Date.now();
  const serverMs = await serverTime(client);
  const after = Date.now();
  // A user without the right to run INFO can work. The finding names the settings that are not checked.
  const info = await node.info().then(readInfo, (error: Error) => {
    if (error.message.startsWith('NOPERM')) return undefined;
    throw error;
  });
  const differenceMs = Math.round(Math.max(before - serverMs, serverMs - after));
  return [...(info === undefined ? infoMissing() : settings(info, allowEviction)), ...clockDifference(differenceMs)];
}

function* infoMissing(): Iterable<Finding> {
  const message =
    'the Redis user may not run INFO, so version, maxmemory-policy and appendonly are not checked; grant it with ACL SETUSER … +info';
  yield { severity: 'warning', code: 'RIGHT_MISSING', message };
}

function* settings(info: ReadonlyMap<string, string>, allowEviction: boolean): Iterable<Finding> {
  yield* oldVersion(info.get('redis_version') ?? '');
  yield* eviction(info.get('maxmemory_policy') ?? 'noeviction', allowEviction);
  yield* noAppendOnlyFile(info.get('aof_enabled'));
}

function* oldVersion(version: string): Iterable<Finding> {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  const message = `Redis ${version || 'of unknown version'} is too old: use 6.2 or newer`;
  yield { severity: 'error', code: 'SERVER_TOO_OLD', message };
}

function* eviction(policy: string, allowEviction: boolean): Iterable<Finding> {
  if (policy === 'noeviction') return;
  const problem = `Redis has maxmemory-policy ${policy}, under which it deletes messages when memory runs out; set maxmemory-policy noeviction`;
  if (!policy.startsWith('allkeys') || allowEviction)
    yield { severity: 'warning', code: 'SERVER_EVICTS', message: problem };
  else yield { severity: 'error', code: 'SERVER_EVICTS', message: `${problem}, or add ?allowEviction=true to the URL` };
}

function* noAppendOnlyFile(enabled: string | undefined): Iterable<Finding> {
  if (enabled !== '0') return;
  const message = 'Redis keeps no append-only file: a restart loses messages; set appendonly yes';
  yield { severity: 'warning', code: 'SERVER_FORGETS', message };
}

function* clockDifference(differenceMs: number): Iterable<Finding> {
  if (differenceMs <= CLOCK_DIFFERENCE_MS) return;
  const message = `this host's clock and that of Redis differ by ${differenceMs} ms: an eta is taken by this host's clock, and expiresIn by that of Redis`;
  yield { severity: 'warning', code: 'SERVER_CLOCK_DIFFERS', message };
}

function readInfo(info: string): Map<string, string> {
  const pairs = info.split('\r\n').map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1)] as const;
  });
  return new Map(pairs);
}
