import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RabbitServer } from '../../support/rabbitmq-server.ts';
import { RedisServer } from '../../support/redis-server.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const command = join(root, 'packages', 'cli', 'bin', 'brokkr.js');
const app = join(root, 'test', 'fixtures', 'apps', 'stepping.ts');
const folder = mkdtempSync(join(tmpdir(), 'brokkr-steps-'));
const children = new Set<ChildProcess>();
let redis: RedisServer;
let rabbit: RabbitServer;

beforeAll(async () => {
  [redis, rabbit] = await Promise.all([RedisServer.start(), RabbitServer.start()]);
}, 90_000);
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all([redis.stop(), rabbit.stop()]);
  rmSync(folder, { recursive: true });
}, 30_000);

it.each([
  ['Redis', 0, () => ({ TASK_BROKER_URL: redis.url })],
  ['RabbitMQ with a store on Redis', 1, () => ({ TASK_BROKER_URL: rabbit.url, TASK_STORE_URL: `${redis.url}/1` })],
])(
  'on %s, a worker that is killed after each step, and during one, repeats only that one',
  async (name, db, urls) => {
    const notes = join(folder, name.slice(0, 5));
    writeFileSync(notes, '');
    const lines = () => readFileSync(notes, 'utf8').trim().split('\n');
    const env = {
      ...process.env,
      NODE_OPTIONS: '',
      NOTES_FILE: notes,
      TASK_LEASE: '1s',
      TASK_MAX_CRASHES: '20',
      LOG_FORMAT: 'json',
      ...urls(),
    };
    const run = (...args: string[]) => {
      const child = spawn(process.execPath, [command, ...args, '-a', app], { env, stdio: 'ignore' });
      children.add(child);
      child.once('exit', () => children.delete(child));
      return child;
    };
    const [code] = (await once(run('send', 'stepping'), 'exit')) as [number];
    expect(code).toBe(0);

    // Six workers are killed by their task. The seventh ends it.
    for (let killed = 0; killed < 6; killed++) {
      const [, signal] = (await once(run('worker'), 'exit')) as [number | null, string | null];
      expect(signal, lines().join(', ')).toBe('SIGKILL');
    }
    const last = run('worker');
    await expect.poll(lines, { timeout: 30_000 }).toContain('end 10,20,30,40,50');
    const ended = once(last, 'exit');
    last.kill('SIGTERM');
    await ended;

    const effects = lines().filter((line) => line.startsWith('effect'));
    expect(effects).toEqual(['effect 1', 'effect 2', 'effect 3', 'effect 3', 'effect 4', 'effect 5']);
    const client = redis.client();
    try {
      await client.select(db);
      expect(await client.keys('brokkr:record:*')).toEqual([]);
    } finally {
      client.disconnect();
    }
  },
  120_000,
);
