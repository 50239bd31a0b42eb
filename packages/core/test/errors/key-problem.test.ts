import { expect, it } from 'vitest';
import { keyProblem } from '../../src/errors/key-problem.ts';

it.each(['k', ' ', 'a\nb', '__proto__', 'é', '😀', 'k'.repeat(256)])('%j is a key', (key) => {
  expect(keyProblem(key)).toBeUndefined();
});

it.each([
  ['', '0 characters'],
  ['k'.repeat(257), '257 characters'],
  [5, 'a number'],
  [null, 'null'],
  ['\ud800', 'half of a surrogate pair'],
  ['pay-\udfff', 'half of a surrogate pair'],
])('%j is refused', (key, got) => {
  expect(keyProblem(key)).toBe(`must be a string of 1 to 256 characters; got ${got}`);
});
