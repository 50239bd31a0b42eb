import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const folder = join(import.meta.dirname, '..');

it('runs tasks of classes with injected services, and prints the sent mails', async () => {
  const env = { ...process.env, LOG_LEVEL: 'silent', NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)(process.execPath, ['dist/main.js'], { cwd: folder, env });
  expect(stdout).toBe(readFileSync(join(folder, 'expected.txt'), 'utf8'));
}, 30_000);
