import { fork } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { brokkr, command, type Run, until, workplace } from './brokkr.ts';

const app = join(import.meta.dirname, '..', 'fixtures', 'apps', 'misbehaving.ts');
const scheduled = join(import.meta.dirname, '..', 'fixtures', 'apps', 'scheduled.ts');
const worker = ['worker', '-a', app, '-q', 'trouble'];

/** Processes that a test orphans. */
const orphans: number[] = [];
afterEach(() => {
  for (const pid of orphans.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
});

describe('a signal to the whole process tree', () => {
  it('lets worker -p 2 finish its running task', async () => {
    const { env, notes } = workplace();
    await send(env, 'slow', '2000');
    const run = brokkr([...worker, '-p', '2'], env);
    await until(() => notes().length === 1 && children(run).length === 2, 'the task began');
    for (const pid of [run.child.pid as number, ...children(run)]) process.kill(pid, 'SIGTERM');
    expect(await run.exited).toBe(0);
    expect(notes()).toHaveLength(2);
    expect(run.output()).not.toContain('starting another');
  }, 30_000);

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'counts once if npm forwards it: %s, three times',
    async (signal) => {
      const { env, notes } = workplace();
      await send(env, 'slow', '1500');
      const run = brokkr(worker, env);
      await until(() => notes().length === 1, 'the task began');
      for (const wait of [0, 20, 200]) {
        await new Promise((resolve) => setTimeout(resolve, wait));
        run.child.kill(signal);
      }
      expect(await run.exited).toBe(0);
      expect(notes()).toHaveLength(2);
    },
    30_000,
  );
});

it('SIGHUP lets a worker finish its running task', async () => {
  const { env, notes } = workplace();
  await send(env, 'slow', '1000');
  const run = brokkr(worker, env);
  await until(() => notes().length === 1, 'the task began');
  run.child.kill('SIGHUP');
  expect(await run.exited).toBe(0);
  expect(notes()).toHaveLength(2);
}, 30_000);

it.each([
  ['worker', worker],
  ['worker -p 2', [...worker, '-p', '2']],
  ['scheduler', ['scheduler', '-a', scheduled]],
])(
  'a parent with an IPC channel, such as PM2, sees %s exit',
  async (_, args) => {
    const { env } = workplace();
    const child = fork(command, args, {
      // A listener in the child keeps the channel open, as that of PM2 does.
      execArgv: ['--import', 'data:text/javascript,process.on("message",()=>{})'],
      env: { ...process.env, NODE_OPTIONS: '', LOG_FORMAT: 'json', ...env },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    orphans.push(child.pid as number);
    let output = '';
    child.stdout?.on('data', (chunk) => {
      output += chunk;
    });
    await until(() => /(worker|scheduler) started/.test(output), 'it started');
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
  },
  30_000,
);

describe('while the application loads', () => {
  it('SIGTERM ends the worker immediately with exit code 0', async () => {
    const { env, notes } = workplace();
    const run = brokkr(worker, { ...env, LOADS_SLOWLY: '60000' });
    await until(() => notes().length === 1, 'it loads');
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
    expect(run.errors()).toBe('');
  }, 30_000);

  it('the death of the supervisor ends its processes, before they serve', async () => {
    const { env, notes } = workplace();
    const run = brokkr([...worker, '-p', '2'], { ...env, LOADS_SLOWLY: '1500' });
    // The supervisor loads the application first.
    await until(() => notes().length === 3, 'both load');
    const pids = notes().slice(1).map(pidOf);
    orphans.push(...pids);
    run.child.kill('SIGKILL');
    await until(() => !pids.some(isAlive), 'both ended');
    expect(run.output()).not.toContain('"worker started"');
  }, 30_000);
});

it('the death of the supervisor lets its processes finish their tasks and end', async () => {
  const { env, notes } = workplace();
  await send(env, 'slow', '1000');
  const run = brokkr([...worker, '-p', '1', '--watch'], env);
  await until(() => notes().length === 1, 'the task began');
  const pid = pidOf(notes()[0] ?? '');
  orphans.push(pid);
  run.child.kill('SIGKILL');
  await until(() => !isAlive(pid), 'it ended');
  expect(notes()).toEqual([`begin ${pid}`, `end ${pid}`]);
}, 30_000);

it('a start that never completes ends after the shutdown time, with one line and exit code 1', async () => {
  const { env } = workplace();
  const run = brokkr(worker, { ...env, NEVER_STARTS: '1', NOTES_FILE: '', TASK_SHUTDOWN_TIMEOUT: '100ms' });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  run.child.kill('SIGTERM');
  expect(await run.exited).toBe(1);
  expect(run.output()).toMatch(/the worker did not stop within 4\.1 s/);
}, 30_000);

it('a process whose handler blocks the thread is killed after the shutdown time, with one line and exit code 1', async () => {
  const { env, notes } = workplace();
  await send(env, 'blocks');
  const run = brokkr([...worker, '-p', '2', '-c', '1'], { ...env, TASK_SHUTDOWN_TIMEOUT: '100ms' });
  await until(() => notes().length === 1, 'the task began');
  orphans.push(pidOf(notes()[0] ?? ''));
  run.child.kill('SIGTERM');
  expect(await run.exited).toBe(1);
  expect(run.output()).toMatch(/a worker process did not stop in time and was killed/);
}, 30_000);

it.each([
  ['worker', worker],
  ['send', ['send', 'slow', '1', '-a', app]],
])(
  '%s ends even if the application leaves a timer running',
  async (name, args) => {
    const { env } = workplace();
    const run = brokkr(args, { ...env, LEAVES_OPEN: '1' });
    if (name === 'worker') {
      await until(() => run.output().includes('worker started'), 'it started');
      run.child.kill('SIGTERM');
    }
    expect(await run.exited).toBe(0);
  },
  30_000,
);

async function send(env: NodeJS.ProcessEnv, ...args: string[]): Promise<void> {
  expect(await brokkr(['send', '-a', app, ...args], env).exited).toBe(0);
}

/** Process ids of the worker processes that a supervisor has started. */
function children({ output }: Run): number[] {
  return [...output().matchAll(/"child":(\d+)/g)].map(([, pid]) => Number(pid));
}

function pidOf(line: string): number {
  return Number(/\d+/.exec(line)?.[0]);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
