import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../src/config/task-config.ts';
import type { BrokerOptions } from '../../src/config/broker-options.ts';
import { ConfigError, createBroker, redactUrl, registerBroker } from '../../src/index.ts';

describe('settings', () => {
  it('come from the option, the environment or the default', () => {
    const environment = { TASK_TIMEOUT: '5m', TASK_MAX_RETRIES: '9', TASK_QUEUE_NAME: '' };
    const config = resolveConfig({ maxRetries: 1 }, environment);
    expect(config).toMatchObject({
      maxRetries: 1,
      timeoutMs: 300_000,
      queueName: 'default',
      brokerUrl: 'memory:',
      leaseMs: 30_000,
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('report all invalid values in one error, by the names under which they were given', () => {
    const wrong = () =>
      resolveConfig(
        { maxWorkers: 0 },
        { TASK_TIMEOUT: 'x', TASK_QUEUE_NAME: 'a b', LOG_FORMAT: 'xml', TASK_BROKER_URL: 'hunter2' },
      );
    expect(wrong).toThrow(ConfigError);
    for (const name of ['maxWorkers', 'TASK_TIMEOUT', 'TASK_QUEUE_NAME', 'LOG_FORMAT', 'TASK_BROKER_URL'])
      expect(wrong).toThrow(name);
    expect(wrong).not.toThrow('hunter2');
  });

  it('need a lease that a worker has time to renew', () => {
    expect(() => resolveConfig({ lease: '1ms' })).toThrow(
      /^wrong settings:\n {2}lease must be at least 1 s, .*; got "1ms"$/,
    );
    expect(() => resolveConfig({}, { TASK_LEASE: '999ms' })).toThrow(
      /TASK_LEASE must be at least 1 s, .*; got "999ms"$/,
    );
    expect(resolveConfig({ lease: 1 }).leaseMs).toBe(1_000);
  });
});

describe('broker URLs', () => {
  it.each([
    ['redis://user:hunter2@h:6379/0', 'redis://***@h:6379/0'],
    ['amqp://u:hun%40ter2@h1:5672,h2:5672/v', 'amqp://***@h1:5672,h2:5672/v'],
    ['amqp://u:hunter2@h1,u:hunter2@h2/v', 'amqp://***@h2/v'],
    ['redis://h/0?password=hunter2&db=1', 'redis://h/0?password=***&db=1'],
    ['redis://:hunt@er2@h/0', 'redis://***@h/0'],
    [
      'redis://h:1?pwd=hunter2&credential=hunter2&p%61ssword=hunter2',
      'redis://h:1?pwd=***&credential=***&p%61ssword=***',
    ],
    ['redis://h?d%62=1&connectTimeout=5s&ca=%2Fetc%2Fca.pem', 'redis://h?d%62=1&connectTimeout=5s&ca=%2Fetc%2Fca.pem'],
    [
      'amqp://h?heartbeat=5s&queueType=classic&consumerTimeout=2h',
      'amqp://h?heartbeat=5s&queueType=classic&consumerTimeout=2h',
    ],
    [
      'redis+sentinel://h/m?sentinelPassword=hunter2&tls=true&allowEviction=true',
      'redis+sentinel://h/m?sentinelPassword=***&tls=true&allowEviction=true',
    ],
    ['redis://h?db=1;password=hunter2', 'redis://h?db=***'],
    ['redis://h?db=1%26password%3Dhunter2', 'redis://h?db=***'],
    ['redis://h?DB=hunter2&%=hunter2&constructor=hunter2', 'redis://h?DB=***&%=***&constructor=***'],
    ['redis://h?db=hun%ter2', 'redis://h?db=***'],
    ['redis://h?hunter2&tls', 'redis://h?***&tls'],
    ['redis://h?db=1?pwd=hunter2', 'redis://h?db=***'],
    ['redis://user:hun', 'redis://user:***'],
    ['redis://h1:6379,h2:hunter2,[::1]:6379/0', 'redis://h1:6379,h2:***'],
    ['redis://[::1]:6379,h2:1/0', 'redis://[::1]:6379,h2:1/0'],
    ['redis://user:hun/ter2', 'redis://user:***'],
    ['amqp://user:hun,ter2?heartbeat=5s', 'amqp://user:***'],
    ['redis://[user:hunter2', 'redis://:***'],
    ['files:///a:b/c', 'files:///a:b/c'],
    ['memory:name', 'memory:name'],
    ['memory:a:b', 'memory:a:b'],
    ['hunter2', '<redacted>'],
  ])('%s is shown as %s', (url, shown) => {
    expect(redactUrl(url)).toBe(shown);
  });

  it('of unknown schemes are refused with the known ones, and without secrets', () => {
    expect(() => createBroker('pigeon://u:hunter2@h')).toThrow(/unknown scheme pigeon; known are memory, redis/);
    expect(() => createBroker('pigeon://u:hunter2@h')).not.toThrow('hunter2');
    expect(() => createBroker('no url')).toThrow(ConfigError);
  });

  it.each([
    [30 * 86_400_000, 2 ** 31 - 1],
    [5_000, 5_000],
    [undefined, undefined],
  ])('a send timeout of %s ms reaches the adapter as %s: never longer than a timer of Node', (sendTimeoutMs, given) => {
    const options: BrokerOptions[] = [];
    registerBroker('spy', (_, received) => {
      options.push(received);
      return createBroker('memory:');
    });
    createBroker('spy:', { namespace: 'n', sendTimeoutMs });
    expect(options).toEqual([{ namespace: 'n', sendTimeoutMs: given }]);
  });

  it('of a registered scheme are passed to its factory', () => {
    const factory = () => createBroker('memory:');
    for (const scheme of [undefined, null, 7, '', 'nats:', 'Nats'])
      expect(() => registerBroker(scheme as never, factory)).toThrow(
        expect.objectContaining({ code: 'SCHEME_INVALID' }),
      );
    for (const none of [undefined, null, 'nats', createBroker('memory:')])
      expect(() => registerBroker('undefined', none as never)).toThrow(
        expect.objectContaining({ name: 'ConfigError', code: 'BROKER_FACTORY_INVALID' }),
      );
    expect(() => createBroker('undefined://h')).toThrow(/unknown scheme undefined/);
  });

  it('of adapters that are not installed are refused at first use, with the command that installs them', async () => {
    await expect(createBroker('nats://u:hunter2@h/v', { brokerPackage: '@acme/nats' }).publish([])).rejects.toThrow(
      /\*\*\*@h.*npm install @acme\/nats/,
    );
  });
});
