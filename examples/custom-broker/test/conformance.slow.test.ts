import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brokerSuite } from '@brokkr/core/testing';
import { afterAll, describe, it } from 'vitest';
import { filesBroker } from '../src/files-broker.ts';

// A disk that is still writing something else down stalls a rename for longer than a test's lease; memory does not.
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'files-broker-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// One after the other: a case that writes thousands of files would keep the renewals of its neighbors waiting.
const runner = { describe, it };

brokerSuite('files', {
  runner,
  leaseMs: 1_500,
  open: ({ namespace }) => filesBroker(folder, namespace),
  // Nothing runs that could stop: what another broker object finds in the folder is what a restart would find.
  restart: async () => undefined,
});
