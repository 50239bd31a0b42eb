import { randomUUID } from 'node:crypto';
import { TaskManager } from '@brokkr/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { testApp } from '../../src/testing/index.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.resetModules();
});

type Faked = NonNullable<Parameters<typeof vi.useFakeTimers>[0]>;

const kinds: [string, Faked][] = [
  ['the default ones', {}],
  ['the date only', { toFake: ['Date'] }],
  ['setImmediate only', { toFake: ['setImmediate'] }],
  ['setTimeout and performance', { toFake: ['setTimeout', 'performance'] }],
  ['microtasks too', { toFake: ['setTimeout', 'setImmediate', 'queueMicrotask'] }],
];

describe.each(kinds)('a test that fakes timers, %s', (_, faked) => {
  it('drains retries and delays in virtual time', async () => {
    let runs = 0;
    const flaky = TaskManager.getInstance(randomUUID()).task({ name: 'flaky', maxRetries: 2 }, async () => {
      if (++runs < 3) throw new Error('not yet');
    });
    vi.useFakeTimers(faked);
    const app = testApp({ tasks: [flaky] });
    await flaky.with({ delay: '1h' }).send();
    await app.drain();
    expect(runs).toBe(3);
    await app.advance('1d');
    expect(app.dead('default')).toEqual([]);
    await app.close();
  });

  it('moves time on when a handler waits for a faked timer', async () => {
    const hang = TaskManager.getInstance(randomUUID()).task({ name: 'hang', timeout: '1m', maxRetries: 0 }, () => {
      return new Promise<void>((resolve) => setTimeout(resolve, 3_600_000));
    });
    // Each name once: a timer that is faked twice is restored to the first fake.
    vi.useFakeTimers({ ...faked, toFake: [...new Set(['setTimeout' as const, ...(faked.toFake ?? [])])] });
    const app = testApp({ tasks: [hang], settleWithin: '20ms' });
    await hang.send();
    await app.drain();
    expect(app.dead('default')).toMatchObject([{ attempts: [{ error: { name: 'TaskTimeoutError' } }] }]);
    await app.close();
  });
});

it('a module that is loaded while timers are faked runs in real time', async () => {
  vi.resetModules();
  vi.useFakeTimers();
  const core = await import('@brokkr/core');
  const { testApp: fresh } = await import('../../src/testing/index.ts');
  const ping = core.TaskManager.getInstance(randomUUID()).task({ name: 'ping' }, async () => undefined);
  const app = fresh({ tasks: [ping] });
  await ping.send();
  await app.drain();
  expect(app.sent(ping)).toHaveLength(1);
  await app.close();
});
