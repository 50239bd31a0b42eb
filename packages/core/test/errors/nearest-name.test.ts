import { describe, expect, it } from 'vitest';
import { nearestName } from '../../src/errors/nearest-name.ts';

describe('the nearest name', () => {
  it.each([
    ['emials', ['pdf', 'emails', 'default'], 'emails'],
    ['TASK_BROKER_URL', ['brokerUrl', 'queueName'], 'brokerUrl'],
    ['emails', ['emails-2', 'emails'], 'emails'],
    ['emails', ['pdf', 'default'], undefined],
    ['emails', [], undefined],
    ['', ['pdf'], undefined],
  ])('of %j among %j is %j', (name, known, nearest) => {
    expect(nearestName(name, known)).toBe(nearest);
  });

  it('of a name of a million characters is found at once', () => {
    const startedAt = performance.now();
    nearestName('a'.repeat(1_000_000), Array<string>(1_000).fill('b'.repeat(1_000)));
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});
