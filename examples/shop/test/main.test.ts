import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const folder = join(import.meta.dirname, '..');

it('runs to its end on the memory broker and prints what came of it', async () => {
  const env = { ...process.env, LOG_LEVEL: 'silent', TASK_BROKER_URL: 'memory:', NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)(process.execPath, ['dist/main.js'], { cwd: folder, env });
  const rows = [...stdout.matchAll(/│ ([a-z ]+?) +│ (\d+) +│/g)].map(([, what, count]) => `${what} ${count}`);
  expect(rows).toEqual(readFileSync(join(folder, 'expected.txt'), 'utf8').trim().split('\n'));
}, 30_000);
