import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { BlockLimit } from '../../src/event-loop/block-limit.ts';

it('is the deadline of the handler that started last, until the loop turns', async () => {
  const limit = new BlockLimit<string>();
  limit.started('long', 600);
  limit.started('short', 10);
  expect([...limit.memory]).toEqual([600, 10]);
  await turn();
  expect([...limit.memory]).toEqual([600, 0]);
});

it('is the latest deadline of all running handlers after that', () => {
  const limit = new BlockLimit<string>();
  for (const [run, deadline] of [
    ['a', 5],
    ['b', 9],
    ['c', 7],
  ] as const)
    limit.started(run, deadline);
  expect(limit.memory[0]).toBe(9);
  limit.ended('a');
  expect(limit.memory[0]).toBe(9);
  limit.ended('b');
  expect(limit.memory[0]).toBe(7);
  limit.ended('unknown');
  limit.ended('c');
  expect(limit.memory[0]).toBe(0);
});
