import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { BrokerUrl } from '../../src/adapter/index.ts';
import { createBroker, redactUrl, TaskManager } from '../../src/index.ts';

const SECRET = 'hunter2';
const shapes: readonly (readonly [how: string, show: (value: unknown) => string])[] = [
  ['util.inspect', (value) => inspect(value, { depth: 10, showHidden: false })],
  ['util.inspect of an object around it', (value) => inspect({ value }, { depth: 10 })],
  ['JSON.stringify', (value) => JSON.stringify({ value })],
];

describe.each(shapes)('%s', (how, show) => {
  it('shows settings without the secrets of their URLs', () => {
    const manager = TaskManager.getInstance(`secrets-${how}`).configure({
      brokerUrl: `nats://user:${SECRET}@h/0`,
      brokerPackage: 'nats',
      resultUrl: `redis://h/0?password=${SECRET}`,
    });
    const shown = show(manager.config);
    expect(shown).not.toContain(SECRET);
    expect(shown).toContain('nats://***@h/0');
    expect(shown).toContain('redis://h/0?password=***');
    expect(shown).toContain('maxRetries');
    expect(manager.config.brokerUrl).toContain(SECRET);
    expect(show(manager)).not.toContain(SECRET);
  });

  it('shows a parsed URL without its secrets', () => {
    const url = new BrokerUrl(`nats://user:${SECRET}@h/0?token=${SECRET}`, { form: 'nats://h', options: ['token'] });
    expect(show(url)).not.toContain(SECRET);
    expect(show(url)).toContain('nats://***@h/0?token=***');
    expect(url.password).toBe(SECRET);
  });

  it.each(['redis', 'amqp', 'memory'])('shows a broker of %s without the secrets of its URL', (scheme) => {
    expect(show(createBroker(`${scheme}://user:${SECRET}@h/0`))).not.toContain(SECRET);
  });
});

describe('the length of a URL', () => {
  const MEGABYTE = 1_000_000;
  const hostile: readonly (readonly [what: string, url: string])[] = [
    ['colons and a line break', `redis://${':'.repeat(MEGABYTE)}\n`],
    ['brackets and a line break', `redis://${'[\n'.repeat(MEGABYTE / 2)}`],
    ['at signs', `redis://${'@'.repeat(MEGABYTE)}#`],
    ['commas', `redis://${'h,'.repeat(MEGABYTE / 2)}`],
    ['parameters', `redis://h?${'db=1&'.repeat(MEGABYTE / 5)}`],
    ['a scheme', 'a'.repeat(MEGABYTE)],
  ];

  it.each(hostile)('is checked before the URL is parsed: a megabyte of %s', (_what, url) => {
    const problem = /^broker URL must have at most 16384 characters; got \d+$/;
    const isRefused = { code: 'BROKER_URL_INVALID', message: expect.stringMatching(problem) as string };
    expect(redactUrl(url)).toBe('<redacted>');
    expect(() => createBroker(url)).toThrow(expect.objectContaining(isRefused));
    expect(() => new BrokerUrl(url, { form: 'redis://h', options: [] })).toThrow(expect.objectContaining(isRefused));
    const manager = TaskManager.getInstance('long-url');
    expect(() => manager.configure({ brokerUrl: url, resultUrl: url })).toThrow(
      /brokerUrl must have at most 16384.*\n.*resultUrl must have at most 16384/,
    );
  });

  it('leaves room for the hosts of a cluster, all of which are shown', () => {
    const hosts = Array.from({ length: 200 }, (_, index) => `node-${index}.redis.internal.example.com:6379`).join(',');
    expect(redactUrl(`redis+cluster://user:${SECRET}@${hosts}`)).toBe(`redis+cluster://***@${hosts}`);
  });

  it('hides everything after the first colon that no port follows, line breaks too', () => {
    expect(redactUrl(`redis://user:\n${SECRET}`)).toBe('redis://user:***');
    expect(redactUrl(`redis://[\n${SECRET}`)).toBe('redis://:***');
  });
});
