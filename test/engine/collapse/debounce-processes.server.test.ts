import { once } from 'node:events';
import { join } from 'node:path';
import { TaskManager } from '@brokkr/core';
import { expect, it } from 'vitest';
import { KilledProcesses } from '../../support/killed-processes.ts';
import { root } from '../../support/sources.ts';

const command = join(root, 'packages', 'cli', 'bin', 'brokkr.js');
const app = join(root, 'test', 'fixtures', 'apps', 'debounced.ts');
const SENDERS = 4;
const SENDS = 250;
const processes = new KilledProcesses();

it.each([
  ['Redis', () => ({ brokerUrl: processes.redis.url })],
  ['RabbitMQ with a store on Redis', () => ({ brokerUrl: processes.rabbit.url, storeUrl: `${processes.redis.url}/1` })],
])(
  'on %s, the last of 1,000 debounced sends of four processes runs last, though workers are killed',
  async (name, settings) => {
    const { file, lines } = processes.notes(name.slice(0, 5));
    const { brokerUrl, storeUrl = '' } = settings() as { brokerUrl: string; storeUrl?: string };
    const env = {
      NOTES_FILE: file,
      TASK_BROKER_URL: brokerUrl,
      TASK_STORE_URL: storeUrl,
      TASK_LEASE: '1s',
      TASK_MAX_CRASHES: '50',
      LOG_FORMAT: 'json',
    };
    const tm = TaskManager.getInstance(`debounce ${name}`);
    await tm.initialize({ brokerUrl, ...(storeUrl !== '' && { storeUrl }), logLevel: 'silent' });
    const task = tm.task({ name: 'reindex' }, async (_: string) => undefined);
    const worker = () => processes.run([command, 'worker', '-a', app, '-c', '4'], env);
    let workers = [worker(), worker()];

    const senders = Array.from({ length: SENDERS }, () =>
      processes.run(['--import', import.meta.resolve('tsx'), app], { ...env, SENDS: String(SENDS) }),
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
