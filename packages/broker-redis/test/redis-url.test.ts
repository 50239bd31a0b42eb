import { ConfigError } from '@brokkr/core';
import { describe, expect, it } from 'vitest';
import { RedisBroker } from '../src/index.ts';
import { parseRedisUrl } from '../src/connection/redis-url.ts';

describe('a Redis broker URL', () => {
  it.each([
    ['redis://localhost', { kind: 'single', hosts: [{ host: 'localhost', port: 6379 }], db: 0 }],
    ['redis://u:p%40ss@h:7/3', { hosts: [{ host: 'h', port: 7 }], username: 'u', password: 'p@ss', db: 3 }],
    ['redis://:secret@h', { password: 'secret' }],
    ['rediss://h:1', { tls: {} }],
    ['redis://[::1]:6380/1', { hosts: [{ host: '::1', port: 6380 }], db: 1 }],
    [
      'redis+sentinel://a:1,b:2/prime/4?sentinelPassword=x',
      {
        kind: 'sentinel',
        hosts: [
          { host: 'a', port: 1 },
          { host: 'b', port: 2 },
        ],
        master: 'prime',
        db: 4,
        sentinelPassword: 'x',
      },
    ],
    ['redis+sentinel://a/prime', { hosts: [{ host: 'a', port: 26379 }], db: 0 }],
    ['redis+cluster://u:p@a:7000,b:7001', { kind: 'cluster', username: 'u', password: 'p' }],
    ['redis+unix:///run/redis.sock?db=2', { kind: 'unix', path: '/run/redis.sock', db: 2 }],
    ['redis://h?connectTimeout=30d', { connectTimeoutMs: 2 ** 31 - 1 }],
    ['redis://h?connectTimeout=200ms&allowEviction=true', { connectTimeoutMs: 200, allowEviction: true }],
  ])('%s is parsed', (url, expected) => {
    expect(parseRedisUrl(url)).toMatchObject(expected);
  });

  it.each([
    ['redis://u:s3cret@h:0', /host:port/],
    ['redis://u:s3cret@h:99999', /host:port/],
    ['redis://u:s3cret@h/one', /database/],
    ['redis+sentinel://u:s3cret@h', /primary/],
    ['redis+unix://', /socket/],
    ['redis://u:s3cret@h?color=red', /unknown option "color"; known are db/],
    ['redis://u:s3cret@h?connectTimeout=soon', /connectTimeout must be a duration .*; got "soon"/],
    ['http://u:s3cret@h', /write redis:/],
    ['redis://u:s3cret@h?tls=yes', /tls is true or false/],
    ['redis://u:s3cret@h?tls=true#x', /write redis:/],
    ['redis://u:s3cret@h?allowEviction=1', /allowEviction is true or false/],
    ['redis://u:s3cret@a:1,b:2', /several hosts/],
    ['redis://u:s3cret@h/0/1', /database/],
    ['redis://u:s3cret@h?db=1&db=2', /db is given twice/],
    ['redis+cluster://u:s3cret@h/3', /cluster/],
    ['redis+cluster://u:s3cret@h?db=3', /cluster/],
    ['redis://u:s3cret%ZZ@h', /%25/],
    ['redis+sentinel://u:s3cret@h/%ZZ', /%25/],
    ['redis://u:s3cret@h?ca=/x.pem', /need rediss/],
    ['redis+unix:///s?tls=true', /cannot use TLS/],
  ])('%s is refused with the problem and without a secret', (url, problem) => {
    const refused = () => new RedisBroker({ url });
    expect(refused).toThrow(ConfigError);
    expect(refused).toThrow(problem);
    expect(refused).not.toThrow(/s3cret/);
  });

  it('or a client is required, and a namespace of plain characters', () => {
    expect(() => new RedisBroker({})).toThrow(/give a url or a client/);
    expect(() => new RedisBroker({ url: 'redis://h', namespace: 'a{b}' })).toThrow(/namespace must be .*got "a\{b\}"/);
  });
});
