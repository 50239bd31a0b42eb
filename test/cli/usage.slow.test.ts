import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { app, brokkr, workplace } from './brokkr.ts';

describe('wrong usage gets one clear line and exit code 2', () => {
  it.each([
    ['an unknown command', ['wroker'], /unknown command 'wroker' \(Did you mean worker\?\)/],
    ['help for an unknown command', ['help', 'wrker'], /^error: unknown command 'wrker' \(Did you mean worker\?\)\n$/],
    ['help for an unknown command of a group', ['help', 'dead', 'rty'], /^error: unknown command 'rty' .*retry\?\)\n$/],
    ['the same of the group itself', ['dead', 'help', 'rty'], /^error: unknown command 'rty' .*retry\?\)\n$/],
    ['an unknown option', ['worker', '--quues', 'x'], /unknown option '--quues' \(Did you mean --queues\?\)/],
    [
      'a concurrency that is not a number',
      ['worker', '-a', app, '-c', 'many'],
      /-c, --concurrency.*whole number of 1 or more/,
    ],
    ['an invalid weight', ['worker', '-a', app, '-q', 'emails:x'], /-q "emails:x".*emails:3,default/],
    [
      'a worker for several task managers',
      ['worker', '-a', 'test/fixtures/apps/managers.ts'],
      /several task managers \(default, reports\).* --manager/,
    ],
    [
      'an unknown task manager',
      ['worker', '-a', 'test/fixtures/apps/managers.ts', '--manager', 'report'],
      /no task manager report with tasks in .*; it has default, reports/,
    ],
    ['a missing application', ['worker', '-a', 'nowhere.ts'], /no application at .*nowhere\.ts \(from --app\)/],
    [
      'a folder instead of an application',
      ['worker', '-a', 'test'],
      /^error: .*test \(from --app\) is a folder; name the module in it that defines the tasks\n$/,
    ],
    [
      'an application that can never finish loading',
      ['worker', '-a', 'test/fixtures/apps/stuck.ts'],
      /stuck\.ts failed to load\n.*a top-level await waits for something that can never happen/,
    ],
    ['an application without tasks', ['tasks', '-a', 'test/fixtures/apps/empty.ts'], /empty\.ts defines no task/],
    [
      'an application that throws',
      ['tasks', '-a', 'test/fixtures/apps/throwing.ts'],
      /failed to load[\s\S]*the database is away/,
    ],
    [
      'an unknown scheme',
      ['worker', '-a', app, '--broker', 'carrier-pigeon://x'],
      /unknown scheme carrier-pigeon; known are memory, redis/,
    ],
    [
      'an adapter that is not installed',
      ['worker', '-a', app, '--broker', 'nats://u:secret@h/v'],
      /npm install @acme\/nats/,
    ],
    [
      'an unknown task',
      ['send', 'nope', '-a', app, '--broker', 'files:///tmp/x'],
      /unknown task nope; this application has greet, slow, deaf/,
    ],
    ['sending on the memory broker', ['send', 'greet', '"x"', '-a', app], /TASK_BROKER_URL is memory:/],
    [
      'several processes on the memory broker',
      ['worker', '-p', '2', '-a', app],
      /worker -p 2 .*TASK_BROKER_URL is memory:/,
    ],
  ])(
    '%s',
    async (_, args, message) => {
      const packages = [
        ['files:', '@brokkr-examples/custom-broker'],
        ['nats:', '@acme/nats'],
      ] as const;
      const [, brokerPackage] = packages.find(([scheme]) => args.some((arg) => arg.startsWith(scheme))) ?? [];
      const run = brokkr(args, brokerPackage === undefined ? {} : { TASK_BROKER_PACKAGE: brokerPackage });
      expect(await run.exited).toBe(2);
      expect(run.errors()).toMatch(message);
      expect(run.errors()).not.toContain('secret');
    },
    20_000,
  );

  it('every wrong setting is listed', async () => {
    const run = brokkr(['worker', '-a', app], { TASK_TIMEOUT: '-5s', TASK_MAX_WORKERS: 'x', LOG_LEVEL: 'loud' });
    expect(await run.exited).toBe(2);
    for (const name of ['TASK_TIMEOUT', 'TASK_MAX_WORKERS', 'LOG_LEVEL']) expect(run.errors()).toContain(name);
  });
});

it('help for a command prints its help and runs nothing', async () => {
  const run = brokkr(['help', 'send', 'greet']);
  expect(await run.exited).toBe(0);
  expect(run.output()).toMatch(/^Usage: brokkr send /);
}, 20_000);

it('an application that takes long to load gets a warning', async () => {
  const run = brokkr(['worker', '-a', 'test/fixtures/apps/hanging.ts']);
  await expect
    .poll(() => run.errors(), { timeout: 20_000 })
    .toMatch(/^warning: .*hanging\.ts is still loading after 10 s; does it await something that never happens\?\n$/);
  run.child.kill('SIGTERM');
  await run.exited;
}, 30_000);

describe('brokkr tasks', () => {
  it('lists the tasks of an application with their settings', async () => {
    const run = brokkr(['tasks', '-a', app, '--json'], { TASK_MAX_RETRIES: '7' });
    expect(await run.exited).toBe(0);
    expect(JSON.parse(run.output())[0]).toEqual({
      name: 'greet',
      queue: 'greetings',
      maxRetries: 7,
      timeoutMs: 600_000,
      keepsResult: false,
    });
  });

  it('finds the application by APP_MODULE in .env', async () => {
    const { folder } = workplace();
    writeFileSync(join(folder, '.env'), `APP_MODULE=${app}\nTASK_MAX_RETRIES=9\n`);
    const run = brokkr(['tasks'], {}, folder);
    expect(await run.exited).toBe(0);
    expect(run.output()).toMatch(/greet .* 9 /);
  });
});
