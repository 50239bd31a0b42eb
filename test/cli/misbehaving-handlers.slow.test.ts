import { join } from 'node:path';
import { expect, it } from 'vitest';
import { brokkr, until, workplace } from './brokkr.ts';

const app = join(import.meta.dirname, '..', 'fixtures', 'apps', 'misbehaving.ts');
const worker = ['worker', '-a', app, '-q', 'trouble', '-c', '1'];

it.each(['0', '2'])(
  'a handler that calls process.exit(%s) is named in one line, and the worker exits with 1',
  async (code) => {
    const { env, notes } = workplace();
    const id = await send(env, 'exits', code);
    const run = brokkr(worker, env);
    expect(await run.exited).toBe(1);
    expect(fatal(run.output())).toEqual([
      `task exits (${id}): process.exit(${code}) was called; the worker had not stopped; its unfinished messages run again, and each counts a crash`,
    ]);
    expect(notes()).toHaveLength(1);
  },
  30_000,
);

it('worker -p 2 replaces a process whose handler calls process.exit(2), and returns its message', async () => {
  const { env, notes } = workplace();
  await send(env, 'exits', '2');
  const run = brokkr([...worker, '-p', '2'], env);
  await until(() => notes().length >= 2, 'another process ran the message');
  await until(() => run.output().includes('a worker process died; starting another'), 'it was replaced');
  run.child.kill('SIGTERM');
  await run.exited;
}, 30_000);

it.each([
  ['rejects', 'stray rejection'],
  ['throws', 'stray exception'],
])(
  'a handler that %s without a catch fails its attempt; the worker names it and exits with 1, and then it is dead',
  async (name, message) => {
    const { env, notes } = workplace();
    const id = await send(env, name);
    for (const attempt of [1, 2]) {
      const run = brokkr(worker, { ...env, TASK_SHUTDOWN_TIMEOUT: '500ms' });
      expect(await run.exited).toBe(1);
      expect(fatal(run.output())).toEqual([
        `task ${name} (${id}): nothing caught an error; the worker finishes its running tasks and ends`,
      ]);
      expect(notes()).toHaveLength(attempt);
      expect(run.output()).toContain(`nothing caught an error of its handler: Error: ${message}`);
      expect(run.output().includes('task is dead')).toBe(attempt === 2);
    }
    expect(notes()).toEqual([`${name} attempt 1`, `${name} attempt 2`]);
  },
  30_000,
);

it('a handler that awaits the close of its task manager fails its attempt; the worker says why and exits with 1', async () => {
  const { env, notes } = workplace();
  await send(env, 'closes');
  for (const attempt of [1, 2]) {
    const run = brokkr(worker, { ...env, TASK_SHUTDOWN_TIMEOUT: '500ms' });
    expect(await run.exited).toBe(1);
    expect(run.output()).toContain('task closes: its handler called TaskManager.close(), which waits for this handler');
    expect(run.output()).toContain('task closes: its handler awaited the stop of its own worker');
    expect(fatal(run.output())).toEqual(['the application closed its task manager; the worker ends']);
    expect(run.output().includes('task is dead')).toBe(attempt === 2);
  }
  expect(notes().filter((line) => line !== 'closed')).toEqual(['closes attempt 1', 'closes attempt 2']);
}, 30_000);

it('an application that closes its task manager ends the worker with one line and exit code 1', async () => {
  const { env } = workplace();
  const run = brokkr(worker, { ...env, CLOSES_LATER: '1' });
  expect(await run.exited).toBe(1);
  expect(fatal(run.output())).toEqual(['the application closed its task manager; the worker ends']);
}, 30_000);

async function send(env: NodeJS.ProcessEnv, ...args: string[]): Promise<string> {
  const run = brokkr(['send', '-a', app, ...args], env);
  expect(await run.exited).toBe(0);
  return run.output().trim();
}

/** Messages of the log lines of level fatal. */
function fatal(output: string): string[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{"level":60'))
    .map((line) => (JSON.parse(line) as { msg: string }).msg);
}
