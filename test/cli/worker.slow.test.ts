import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { app, brokkr, endNow, until, workplace } from './brokkr.ts';

const worker = ['worker', '-a', app, '-q', 'greetings'];

it('a worker on the memory broker says that no other process can send to it', async () => {
  const run = brokkr(worker);
  await until(() => run.output().includes('worker started'), 'it started');
  run.child.kill('SIGTERM');
  expect(await run.exited).toBe(0);
  expect(run.output()).toContain('the memory broker lives in this process: messages of other processes do not arrive');
}, 60_000);

describe('brokkr send and brokkr worker on a broker that processes share', () => {
  it('use the broker object of an application, or the one of --broker instead', async () => {
    const { env, notes, folder } = workplace();
    const given = { GIVEN_BROKER_URL: env.TASK_BROKER_URL, NOTES_FILE: env.NOTES_FILE };
    const own = join(import.meta.dirname, '..', 'fixtures', 'apps', 'given-broker.ts');
    const other = ['--broker', pathToFileURL(join(folder, 'other')).href.replace('file:', 'files:')];
    const packages = { TASK_BROKER_PACKAGE: env.TASK_BROKER_PACKAGE };
    const sent = brokkr(['send', 'note', '"elsewhere"', '-a', own, ...other], { ...given, ...packages });
    expect([await sent.exited, sent.errors()]).toEqual([0, '']);
    expect(await brokkr(['send', 'note', '"here"', '-a', own], given).exited).toBe(0);
    const run = brokkr(['worker', '-a', own, '-q', 'all', '-p', '2'], given);
    await until(() => notes().length > 0, 'the task ran');
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
    const elsewhere = brokkr(['worker', '-a', own, '-q', 'all', ...other], { ...given, ...packages });
    await until(() => notes().length > 1, 'the other task ran');
    elsewhere.child.kill('SIGTERM');
    expect(await elsewhere.exited).toBe(0);
    expect(notes()).toEqual(['here', 'elsewhere']);
  }, 90_000);

  it('a worker runs the messages of another process, loads TypeScript, and ends on SIGTERM with exit code 0', async () => {
    const { env, notes } = workplace();
    const sent = brokkr(['send', 'greet', '"Ada"', '-a', app], env);
    expect(await sent.exited).toBe(0);
    expect(sent.output()).toMatch(/^[A-Za-z0-9_-]{22}\n$/);
    const run = brokkr(worker, env);
    await until(() => notes().includes('hello Ada'), 'the task ran');
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
    expect(run.output()).toContain('worker stopped');
  }, 30_000);

  it('a worker finishes its running task after SIGINT', async () => {
    const { env, notes } = workplace();
    await brokkr(['send', 'slow', '1500', '-a', app], env).exited;
    const run = brokkr(worker, env);
    await until(() => notes().length === 1, 'the task began');
    run.child.kill('SIGINT');
    expect(await run.exited).toBe(0);
    expect(notes()).toHaveLength(2);
  }, 30_000);

  it('a second signal ends the worker immediately, and its message goes back to the queue', async () => {
    const { env, notes } = workplace();
    await brokkr(['send', 'deaf', '-a', app], env).exited;
    const run = brokkr(worker, env);
    await until(() => notes().length === 1, 'the task began');
    const before = performance.now();
    expect(await endNow(run)).toBe(1);
    // Long before the shutdown time of 25 s.
    expect(performance.now() - before).toBeLessThan(4_000);
    const next = brokkr(worker, env);
    await until(() => notes().length === 2, 'another worker began it again');
    expect(notes()[1]).toMatch(/attempt 1$/);
    next.child.kill('SIGKILL');
  }, 30_000);

  it('a task that does not end within the shutdown time goes back to the queue, with exit code 1', async () => {
    const { env, notes } = workplace();
    await brokkr(['send', 'deaf', '-a', app], env).exited;
    const run = brokkr(worker, { ...env, TASK_SHUTDOWN_TIMEOUT: '1s' });
    await until(() => notes().length === 1, 'the task began');
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(1);
  }, 30_000);

  it.each([
    ['worker', worker],
    ['send', ['send', 'greet', '"Ada"', '-a', app]],
  ])(
    '%s reports an unreachable broker in one line, with exit code 1',
    async (_, args) => {
      const env = { TASK_BROKER_URL: 'redis://:s3cret@127.0.0.1:1', TASK_SEND_TIMEOUT: '300ms' };
      const run = brokkr(args, env);
      expect(await run.exited).toBe(1);
      expect(run.errors()).toMatch(
        /^error: [^\n]*Redis[^\n]*ECONNREFUSED 127\.0\.0\.1:1[^\n]*TASK_BROKER_URL[^\n]*\n$/,
      );
      expect(run.errors()).not.toContain('s3cret');
    },
    30_000,
  );

  it('worker -p 2 replaces a process that dies, and returns its message to the queue immediately', async () => {
    const { env, notes } = workplace();
    await brokkr(['send', 'deaf', '-a', app], env).exited;
    const run = brokkr([...worker, '-p', '2', '-c', '1'], env);
    await until(() => notes().length === 1, 'the task began');
    const pid = Number(/^deaf (\d+)/.exec(notes()[0] ?? '')?.[1]);
    expect(pid).not.toBe(run.child.pid);
    const killedAt = performance.now();
    process.kill(pid, 'SIGKILL');
    await until(() => notes().length === 2, 'another process began it again');
    // Long before the lease of 30 s has run out.
    expect(performance.now() - killedAt).toBeLessThan(2_000);
    await until(() => (run.output().match(/worker process started/g) ?? []).length === 3, 'the dead one was replaced');
    await endNow(run);
  }, 30_000);

  it('with LOG_FORMAT=pretty, the lines of worker -p 2 are readable, and name their process', async () => {
    const { env } = workplace();
    await brokkr(['send', 'slow', '1', '-a', app], env).exited;
    const pretty = { LOG_FORMAT: 'pretty', LOG_TIME: 'utc', NO_COLOR: '1', LANG: 'C.UTF-8', LC_ALL: '' };
    const run = brokkr([...worker, '-p', '2'], { ...env, ...pretty, FORCE_COLOR: '0' });
    await until(() => (run.output().match(/ serves /g) ?? []).length === 2, 'both started');
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
    for (const number of [1, 2]) {
      expect(run.output()).toMatch(
        new RegExp(`^#${number} [\\d:.]{12} ● worker \\S+ serves greetings · 4 at the same time$`, 'm'),
      );
    }
    expect(run.output()).toMatch(/^[\d:.]{12} {3}worker process started {2}child=\d+ worker=\S+$/m);
    expect(run.output()).not.toContain('\u001b');
    expect(run.output()).not.toMatch(/^\{/m);
  }, 30_000);

  it('--manager selects the task manager, also for worker -p 2', async () => {
    const { env, notes } = workplace();
    const managers = join(import.meta.dirname, '..', 'fixtures', 'apps', 'managers.ts');
    const sent = brokkr(['tasks', '-a', managers], { ...env, SEND_MONTHLY: '1' });
    await until(() => sent.output().includes('daily'), 'it was sent');
    const run = brokkr(['worker', '-a', managers, '--manager', 'reports', '-q', 'reports', '-p', '2'], env);
    await until(() => notes().includes('monthly'), 'the task ran');
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
  }, 30_000);

  it('with --watch a worker restarts when a source file changes', async () => {
    const { env, notes, folder, copy } = copied();
    const run = brokkr(['worker', '-a', 'tasks.ts', '-q', 'greetings', '--watch'], env, folder);
    await until(() => run.output().includes('worker started'), 'it started');
    writeFileSync(copy, readFileSync(copy, 'utf8').replace("'hello'", "'welcome'"));
    await until(() => (run.output().match(/"worker started"/g) ?? []).length === 2, 'it started again');
    await brokkr(['send', 'greet', '"Ada"'], env, folder).exited;
    await until(() => notes().includes('welcome Ada'), 'the new code ran');
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
  }, 40_000);

  it('with --watch an application below a folder named dist is watched', async () => {
    const { env, folder } = copied();
    mkdirSync(join(folder, 'dist', 'tasks'), { recursive: true });
    const built = join(folder, 'dist', 'tasks', 'tasks.ts');
    copyFileSync(app, built);
    const run = brokkr(['worker', '-a', built, '-q', 'greetings', '--watch'], env, folder);
    await until(() => run.output().includes('"worker started"'), 'it started');
    writeFileSync(built, `${readFileSync(built, 'utf8')}\n// changed`);
    await until(() => (run.output().match(/"worker started"/g) ?? []).length === 2, 'it started again');
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
  }, 40_000);

  it('with --watch two quick changes let a running task finish, and start the new code once', async () => {
    const { env, notes, folder, copy } = copied();
    const run = brokkr(['worker', '-a', 'tasks.ts', '-q', 'greetings', '--watch'], env, folder);
    await until(() => run.output().includes('"worker started"'), 'it started');
    await brokkr(['send', 'slow', '4000'], env, folder).exited;
    await until(() => notes().length === 1, 'the task began');
    const source = readFileSync(copy, 'utf8');
    writeFileSync(copy, `${source}\n// once`);
    await until(() => run.output().includes('"worker stopping"'), 'it began to stop');
    writeFileSync(copy, `${source}\n// twice`);
    const pid = notes()[0]?.replace('begin ', '');
    await until(() => (run.output().match(/"worker started"/g) ?? []).length === 2, 'the new code started');
    expect(notes()).toEqual([`begin ${pid}`, `end ${pid}`]);
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
  }, 60_000);

  it('with --watch a source that fails to load is reported, and the next change starts the worker again', async () => {
    const { env, notes, folder, copy } = copied();
    const run = brokkr(['worker', '-a', 'tasks.ts', '-q', 'greetings', '--watch', '-p', '2'], env, folder);
    const times = (what: RegExp) => (run.output().match(what) ?? []).length;
    await until(() => times(/"worker started"/g) === 2, 'both started');
    const sound = readFileSync(copy, 'utf8');
    writeFileSync(copy, `${sound}\nconst = ;\n`);
    await until(() => times(/a worker process ended; the next change/g) === 2, 'both ended');
    expect(run.errors()).toMatch(/tasks\.ts failed to load/);
    writeFileSync(copy, sound.replace("'hello'", "'welcome'"));
    await until(() => times(/"worker started"/g) === 4, 'both started again');
    await brokkr(['send', 'greet', '"Ada"'], env, folder).exited;
    await until(() => notes().includes('welcome Ada'), 'the new code ran');
    writeFileSync(copy, `${sound}\nconst = ;\n`);
    await until(() => times(/a worker process ended; the next change/g) === 4, 'both ended again');
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(1);
  }, 60_000);
});

/** A copy of the application that a test may change, in a workplace of its own. */
function copied() {
  const place = workplace();
  const copy = join(place.folder, 'tasks.ts');
  copyFileSync(app, copy);
  writeFileSync(join(place.folder, 'package.json'), '{"type":"module"}');
  symlinkSync(join(import.meta.dirname, '..', '..', 'node_modules'), join(place.folder, 'node_modules'));
  return { ...place, copy };
}
