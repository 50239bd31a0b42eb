import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { KilledProcesses } from '../../support/killed-processes.ts';
import { root } from '../../support/sources.ts';

const command = join(root, 'packages', 'cli', 'bin', 'brokkr.js');
const app = join(root, 'test', 'fixtures', 'apps', 'stepping.ts');
const processes = new KilledProcesses();

const BROKERS = [
  ['Redis', 0, () => ({ TASK_BROKER_URL: processes.redis.url })],
  [
    'RabbitMQ with a store on Redis',
    1,
    () => ({ TASK_BROKER_URL: `${processes.rabbit.url}?heartbeat=1s`, TASK_STORE_URL: `${processes.redis.url}/1` }),
  ],
] as const;

/** Starts the command line with the application whose tasks take steps. */
function commands(name: string, urls: () => NodeJS.ProcessEnv) {
  const { file, lines } = processes.notes(name);
  const env = { NOTES_FILE: file, TASK_LEASE: '1s', TASK_MAX_CRASHES: '20', LOG_FORMAT: 'json', ...urls() };
  return { file, lines, run: (...args: string[]) => processes.run([command, ...args, '-a', app], env) };
}

it.each(BROKERS)(
  'on %s, a worker that is killed after each step, and during one, repeats only that one',
  async (name, db, urls) => {
    const { lines, run } = commands(name.slice(0, 5), urls);
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
    const client = processes.redis.client();
    try {
      await client.select(db);
      expect(await client.keys('brokkr:record:*')).toEqual([]);
    } finally {
      client.disconnect();
    }
  },
  120_000,
);

it.each(BROKERS)(
  'on %s, a worker that stood still for longer than its lease takes no step that another worker has finished',
  async (name, _db, urls) => {
    const { file, lines, run } = commands(`frozen-${name.slice(0, 5)}`, urls);
    expect((await once(run('send', 'waiting'), 'exit'))[0]).toBe(0);
    const frozen = run('worker');
    await expect.poll(lines, { timeout: 30_000 }).toContain(`waits ${frozen.pid}`);
    frozen.kill('SIGSTOP');
    const other = run('worker');
    await expect.poll(lines, { timeout: 30_000 }).toContain(`waits ${other.pid}`);
    appendFileSync(file, 'go on\n');
    await expect.poll(lines, { timeout: 30_000 }).toContain(`end of ${other.pid}`);
    frozen.kill('SIGCONT');
    const ended = [once(frozen, 'exit'), once(other, 'exit')];
    frozen.kill('SIGTERM');
    other.kill('SIGTERM');
    await Promise.all(ended);
    expect(lines().filter((line) => line.startsWith('effect'))).toEqual(['effect 1', `effect 2 by ${other.pid}`]);
  },
  120_000,
);

it('on RabbitMQ, a worker whose connection breaks does not repeat a step when it gets the message back', async () => {
  const { file, lines, run } = commands('broken', BROKERS[1][2]);
  expect((await once(run('send', 'waiting'), 'exit'))[0]).toBe(0);
  const worker = run('worker');
  const waits = () => lines().filter((line) => line === `waits ${worker.pid}`).length;
  await expect.poll(waits, { timeout: 30_000 }).toBe(1);
  await processes.rabbit.control('close_all_connections', 'by the test');
  await expect.poll(waits, { timeout: 30_000 }).toBe(2);
  appendFileSync(file, 'go on\n');
  await expect.poll(lines, { timeout: 30_000 }).toContain(`end of ${worker.pid}`);
  const ended = once(worker, 'exit');
  worker.kill('SIGTERM');
  await ended;
  expect(lines().filter((line) => line.startsWith('effect'))).toEqual(['effect 1', `effect 2 by ${worker.pid}`]);
}, 120_000);
