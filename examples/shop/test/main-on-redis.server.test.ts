import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';

const folder = join(import.meta.dirname, '..');

it('runs to its end on Redis by TASK_BROKER_URL alone, and prints what it prints on the memory broker', async () => {
  const server = await RedisServer.start();
  try {
    const env = { ...process.env, LOG_LEVEL: 'silent', TASK_BROKER_URL: server.url, NODE_OPTIONS: '' };
    const { stdout } = await promisify(execFile)(process.execPath, ['dist/main.js'], { cwd: folder, env });
    const rows = [...stdout.matchAll(/│ ([a-z ]+?) +│ (\d+) +│/g)].map(([, what, count]) => `${what} ${count}`);
    expect(rows).toEqual(readFileSync(join(folder, 'expected.txt'), 'utf8').trim().split('\n'));
  } finally {
    await server.stop();
  }
}, 60_000);
