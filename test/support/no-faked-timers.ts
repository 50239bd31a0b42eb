import { afterAll, expect } from 'vitest';

// Unit tests share processes: a file that leaves timers faked makes tests of other files hang.
afterAll(() => {
  expect('clock' in setTimeout, 'this file leaves faked timers behind').toBe(false);
});
