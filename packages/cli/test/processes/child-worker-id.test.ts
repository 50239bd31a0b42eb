import { expect, it } from 'vitest';
import { childWorkerId } from '../../src/processes/child-worker-id.ts';

it('the name of a worker process begins with --worker-id, and its number if there are several', () => {
  expect(childWorkerId('web', 2)).toMatch(/^web-2:[0-9a-f]{8}$/);
  expect(childWorkerId('web', undefined)).toMatch(/^web:[0-9a-f]{8}$/);
  expect(childWorkerId(undefined, 1)).toMatch(/^.+:\d+:[0-9a-f]{8}$/);
});

it('no two worker processes have the same name: the leases of one that died are ended by its name', () => {
  expect(childWorkerId('web', 1)).not.toBe(childWorkerId('web', 1));
  expect(childWorkerId(undefined, 1)).not.toBe(childWorkerId(undefined, 1));
});
