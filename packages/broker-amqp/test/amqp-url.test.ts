import { ConfigError } from '@brokkr/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAmqpUrl } from '../src/connection/amqp-url.ts';
import { AmqpBroker } from '../src/index.ts';

describe('a RabbitMQ broker URL', () => {
  it.each([
    ['amqp://h', { hosts: [{ host: 'h', port: 5672 }], username: 'guest', password: 'guest', vhost: '/' }],
    ['amqps://h', { hosts: [{ host: 'h', port: 5671 }], tls: {} }],
    ['AMQP://h', { tls: undefined }],
    ['amqp://', { hosts: [{ host: 'localhost', port: 5672 }] }],
    ['amqp://u:p%40ss:w@h:7/v', { hosts: [{ host: 'h', port: 7 }], username: 'u', password: 'p@ss:w', vhost: 'v' }],
    ['amqp://u@h', { username: 'u', password: 'guest' }],
    ['amqp://u:@h', { username: 'u', password: '' }],
    ['amqp://h/', { vhost: '/' }],
    ['amqp://h/%2F', { vhost: '/' }],
    ['amqp://h/a%2Fb%25', { vhost: 'a/b%' }],
    ['amqp://[::1]:5673/v', { hosts: [{ host: '::1', port: 5673 }] }],
    [
      'amqp://a:1,b,[::1]:3/v',
      {
        hosts: [
          { host: 'a', port: 1 },
          { host: 'b', port: 5672 },
          { host: '::1', port: 3 },
        ],
      },
    ],
    ['amqp://h?connectTimeout=30d', { connectTimeoutMs: 2 ** 31 - 1 }],
    ['amqp://h', { heartbeatS: 10, connectTimeoutMs: 5_000, queueType: 'quorum', consumerTimeoutMs: 1_800_000 }],
    [
      'amqp://h?heartbeat=2s&connectTimeout=200ms&queueType=classic&consumerTimeout=2h',
      { heartbeatS: 2, connectTimeoutMs: 200, queueType: 'classic', consumerTimeoutMs: 7_200_000 },
    ],
  ])('%s is parsed', (url, expected) => {
    expect(parseAmqpUrl(url)).toMatchObject(expected);
  });

  it.each([
    ['amqp://u:s3cret@h:0', /host:port/],
    ['amqp://u:s3cret@h:99999', /host:port/],
    ['amqp://u:s3cret@h:x', /host:port/],
    ['amqp://u:s3cret@h/v?color=red', /unknown option "color"; known are heartbeat/],
    ['amqp://u:s3cret@h?heartbeat=0', /heartbeat cannot be 0/],
    ['amqp://u:s3cret@h?heartbeat=soon', /heartbeat/],
    ['amqp://u:s3cret@h?queueType=stream', /queueType must be quorum or classic; got "stream"/],
    ['amqp://u:s3cret%zz@h', /%25/],
    ['amqp://u:s3cret@h/%zz', /%25/],
    ['amqp://u:s3cret?@h', /%3F/],
    ['amqp://u:1/s3cret@h', /%2F/],
    ['amqp://u:s3cret#@h', /amqp:\/\/user/],
    ['http://u:s3cret@h', /amqp:\/\/user/],
  ])('%s is refused with the problem and without a secret', (url, problem) => {
    const refused = () => new AmqpBroker({ url });
    expect(refused).toThrow(ConfigError);
    expect(refused).toThrow(problem);
    expect(refused).not.toThrow(/s3cret/);
  });

  it('returns user, password and virtual host as they were before encoding', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.string(),
        fc.string({ minLength: 1 }),
        (username, password, vhost) => {
          const [u, p, v] = [username, password, vhost].map(encodeURIComponent);
          expect(parseAmqpUrl(`amqp://${u}:${p}@h/${v}`)).toMatchObject({ username, password, vhost });
        },
      ),
    );
  });

  it('never shows its password, also if it is invalid', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        try {
          parseAmqpUrl(`amqp://${before.replaceAll('@', '')}:s3cret@${after}`);
        } catch (error) {
          expect(String(error)).not.toContain('s3cret');
        }
      }),
    );
  });

  it('needs a namespace of plain characters', () => {
    expect(() => new AmqpBroker({ url: 'amqp://h', namespace: 'a:b' })).toThrow(/namespace must be .*got "a:b"/);
  });
});
