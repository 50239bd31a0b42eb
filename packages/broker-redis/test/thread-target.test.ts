import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { expect, it } from 'vitest';
import { type Client, connectLike, connectTo } from '../src/connection/connect.ts';
import { parseRedisUrl } from '../src/connection/redis-url.ts';
import { threadTargetOf } from '../src/lease-thread/thread-target.ts';

function ofUrl(url: string) {
  return threadTargetOf(connectTo(parseRedisUrl(url)));
}

function ofClient(client: Client) {
  try {
    return threadTargetOf(connectLike(client));
  } finally {
    client.disconnect();
  }
}

it.each([
  ['redis://u:p@h:7000/3', { host: 'h', port: 7_000, username: 'u', password: 'p', db: 3 }],
  ['rediss://h', { host: 'h', tls: {} }],
  ['redis+unix:///tmp/r.sock?db=2', { path: '/tmp/r.sock', db: 2 }],
  ['redis+sentinel://:p@s1:1,s2:2/main/4', { name: 'main', db: 4, sentinels: [{ host: 's1' }, { host: 's2' }] }],
])('a thread connects to %s as the worker does', (url, options) => {
  const target = ofUrl(url);
  expect(target).toMatchObject({ options });
  expect(structuredClone(target)).toEqual(target);
});

it('a thread connects to a cluster as the worker does', () => {
  const target = ofUrl('redis+cluster://u:p@h1:1,h2:2');
  expect(target).toMatchObject({
    nodes: [
      { host: 'h1', port: 1 },
      { host: 'h2', port: 2 },
    ],
    options: { redisOptions: { username: 'u', password: 'p' } },
  });
  expect(structuredClone(target)).toEqual(target);
});

it.each<[string, Pick<RedisOptions, 'keyPrefix' | 'retryStrategy' | 'host'>]>([
  ['a key prefix', { keyPrefix: 'app:', host: 'h' }],
  ['a retry strategy', { retryStrategy: () => 5, host: 'h' }],
])('a thread connects like a client with %s', (_, options) => {
  const target = ofClient(new Redis(Object.assign(options, { lazyConnect: true, replyMapping: 'legacy' as const })));
  expect(target).toMatchObject({ options: { host: 'h', keyPrefix: options.keyPrefix ?? '' } });
});

it.each<[string, () => Client]>([
  ['natMap', () => new Redis({ natMap: () => null, lazyConnect: true })],
  ['checkServerIdentity', () => new Redis({ tls: { checkServerIdentity: () => undefined }, lazyConnect: true })],
  ['dnsLookup', () => new Cluster([{ host: 'h' }], { dnsLookup: (name, done) => done(null, name), lazyConnect: true })],
])('a thread cannot connect if the function %s decides how', (_, create) => {
  expect(ofClient(create())).toBeUndefined();
});
