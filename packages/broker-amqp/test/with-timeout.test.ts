import { setTimeout as pass } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { withTimeout } from '../src/connection/with-timeout.ts';

const connection = { isBlocked: false, timeoutMs: 50, address: 'rabbit:5672' };

describe('the wait for an answer of the server', () => {
  it('ends at its time limit', async () => {
    const startedAt = performance.now();
    const never = new Promise(() => undefined);
    await expect(withTimeout(connection, never)).rejects.toThrow('no answer came in time');
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(50);
    await expect(withTimeout({ ...connection, isBlocked: true }, never)).rejects.toMatchObject({
      name: 'BrokerUnavailableError',
    });
  });

  it('goes on after a block of the event loop that was longer, because the call is written only then', async () => {
    let answer: (value: string) => void = () => undefined;
    const answered = withTimeout(connection, new Promise<string>((resolve) => (answer = resolve)));
    const blockedUntil = performance.now() + 200;
    while (performance.now() < blockedUntil);
    await pass(20);
    answer('late');
    expect(await answered).toBe('late');
  });

  it('ends after such a block too, if no answer comes', async () => {
    const answered = withTimeout(connection, new Promise(() => undefined));
    const blockedUntil = performance.now() + 200;
    while (performance.now() < blockedUntil);
    await expect(answered).rejects.toThrow('no answer came in time');
  });
});
