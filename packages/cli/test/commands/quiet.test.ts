import { expect, it } from 'vitest';
import { pendingOrder } from '../../src/commands/quiet.ts';

it('an order to a worker that does not answer is named as pending, with the command that takes it back', () => {
  expect(pendingOrder('web-1', true)).toBe(
    'worker web-1 did not report within 3 s that it obeyed: the order stays pending, and the worker obeys when it answers again, if its connection lasts; to take the order back: brokkr workers resume web-1; to repeat it: brokkr workers quiet web-1',
  );
  expect(pendingOrder('web-1', false)).toContain('to take the order back: brokkr workers quiet web-1;');
});
