import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TaskManager } from '@brokkr/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RabbitServer } from '../../support/rabbitmq-server.ts';
import { RedisServer } from '../../support/redis-server.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const command = join(root, 'packages', 'cli', 'bin', 'brokkr.js');
const app = join(root, 'test', 'fixtures', 'apps', 'debounced.ts');
const SENDERS = 4;
const SENDS = 250;
const folder = mkdtempSync(join(tmpdir(), 'brokkr-debounce-'));
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

function run(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(process.execPath, args, { env, stdio: 'ignore' });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

it.each([
  ['Redis', () => ({ brokerUrl: redis.url })],
  ['RabbitMQ with a store on Redis', () => ({ brokerUrl: rabbit.url, storeUrl: `${redis.url}/1` })],
])(
  'on %s, the last of 1,000 debounced sends of four processes runs last, though workers are killed; never do two wait',
  async (name, settings) => {
    const notes = join(folder, name.slice(0, 5));
    writeFileSync(notes, '');
    const lines = () => readFileSync(notes, 'utf8').trim().split('\n');
    const { brokerUrl, storeUrl = '' } = settings() as { brokerUrl: string; storeUrl?: string };
    const env = {
      ...process.env,
      NODE_OPTIONS: '',
      NOTES_FILE: notes,
      TASK_BROKER_URL: brokerUrl,
      TASK_STORE_URL: storeUrl,
      TASK_LEASE: '1s',
      TASK_MAX_CRASHES: '50',
      LOG_FORMAT: 'json',
    };
    const tm = TaskManager.getInstance(`debounce ${name}`);
    await tm.initialize({ brokerUrl, ...(storeUrl !== '' && { storeUrl }), logLevel: 'silent' });
    const task = tm.task({ name: 'reindex' }, async (_: string) => undefined);
    const worker = () => run([command, 'worker', '-a', app, '-c', '4'], env);
    let workers = [worker(), worker()];

    const senders = Array.from({ length: SENDERS }, () =>
      run(['--import', import.meta.resolve('tsx'), app], { ...env, SENDS: String(SENDS) }),
    );
    let sending = SENDERS;
    const sent = Promise.all(
      senders.map(async (sender) => {
        expect(await once(sender, 'exit')).toEqual([0, null]);
        sending--;
      }),
    );
    const waiting: number[] = [];
    const queue = tm.queue('default');
    while (sending > 0) {
      const { delayed = 0, ready = 0 } = await queue.counts();
      waiting.push(delayed + ready);
      // Kills the older worker once in a while. Its message is delivered again.
      if (waiting.length % 40 === 0) {
        workers[0]?.kill('SIGKILL');
        workers = [...workers.slice(1), worker()];
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await sent;
    await task.with({ debounce: { key: 'doc', wait: '100ms', maxWait: '400ms' } }).send('last');
    await expect.poll(lines, { timeout: 30_000 }).toContain('last');
    await expect
      .poll(
        async () => {
          const { delayed = 0, ready = 0, running = 0 } = await queue.counts();
          return delayed + ready + running;
        },
        { timeout: 30_000 },
      )
      .toBe(0);
    expect(lines().at(-1)).toBe('last');
    expect(lines().length).toBeLessThan(SENDERS * SENDS);
    // A message of a killed worker waits again, beside one that was sent since.
    if (storeUrl === '') expect(Math.max(...waiting)).toBeLessThanOrEqual(2);
    for (const child of workers) child.kill('SIGTERM');
    await Promise.all(workers.map((child) => child.exitCode ?? once(child, 'exit')));
    await tm.close();
  },
  120_000,
);
