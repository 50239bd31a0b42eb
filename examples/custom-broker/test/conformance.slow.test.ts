import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brokerSuite } from '@brokkr/core/testing';
import { afterAll, describe, it } from 'vitest';
import { filesBroker } from '../src/files-broker.ts';

// A disk that is busy with other data can stall a rename for longer than the lease of a test; memory does not.
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'files-broker-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// One after the other: a case that writes thousands of files would delay the renewals of other cases.
const runner = { describe, it };

brokerSuite('files', {
  runner,
  leaseMs: 1_500,
  open: ({ namespace }) => filesBroker(folder, namespace),
  // No server runs that could stop: another broker object finds in the folder what it would find after a restart.
  restart: async () => undefined,
});
