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

  it('of a name of a million characters is found by its start: a comparison of all would not end', () => {
    const known = [...Array<string>(100).fill('b'.repeat(100_000)), 'a'.repeat(60)];
    expect(nearestName('a'.repeat(1_000_000), known)).toBe('a'.repeat(60));
  });
});
