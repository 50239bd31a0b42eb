import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBroker, openBroker } from '@brokkr/core';
import { firstMessages } from '@brokkr/core/adapter';
import { describe, expect, it } from 'vitest';
import type { Inspected } from '../support/inspected.ts';
import { app, brokkr, until, workplace } from './brokkr.ts';

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
      'a queue whose name is invalid',
      ['worker', '-a', app, '-q', 'emails=3'],
      /^error: queue name "emails=3": use 1 to 120/,
    ],
    [
      'a queue whose name is invalid, with two processes',
      ['worker', '-a', app, '-q', 'emails=3', '-p', '2'],
      /error: queue name "emails=3": use 1 to 120/,
    ],
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
      /stuck\.ts failed to load: a top-level await waits for something that can never happen/,
    ],
    ['an application without tasks', ['tasks', '-a', 'test/fixtures/apps/empty.ts'], /empty\.ts defines no task/],
    [
      'an application that throws',
      ['tasks', '-a', 'test/fixtures/apps/throwing.ts'],
      /failed to load[\s\S]*the database is unreachable/,
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
      /unknown task nope; known are greet, slow, deaf/,
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

describe('brokkr send', () => {
  it.each([
    ['{bad', /argument 1: \{bad begins like JSON, but is not valid .*quote it: '"\{bad"'/],
    ['[1,', /argument 1: \[1, begins like JSON/],
    ['"open', /argument 1: "open begins like JSON/],
    ['12345678901234567890', /cannot hold the number 12345678901234567890, it would send 12345678901234567000/],
    ['{"a":[1,-9007199254740993]}', /cannot hold the number -9007199254740993, .*'"-9007199254740993"'/],
    ['0.12345678901234567890', /cannot hold the number 0\.12345678901234567890/],
    ['1e400', /cannot hold the number 1e400/],
  ])(
    'refuses the argument %s instead of sending another value',
    async (argument, message) => {
      const { env } = workplace();
      const run = brokkr(['send', 'greet', '-a', app, '--', argument], env);
      expect(await run.exited).toBe(2);
      expect(run.errors()).toMatch(message);
    },
    20_000,
  );

  it('sends JSON as its value, and other text as a string', async () => {
    const { env } = workplace();
    const args = [
      '1.0',
      '1e3',
      '9007199254740991',
      '-0.5',
      '{"a":"12345678901234567890"}',
      'Ada',
      '007',
      'null',
      '"x"',
    ];
    const run = brokkr(['send', 'greet', '-a', app, '--', ...args], env);
    expect(`${await run.exited} ${run.errors()}`).toBe('0 ');
    const broker = (await openBroker(
      createBroker(env.TASK_BROKER_URL ?? '', { brokerPackage: env.TASK_BROKER_PACKAGE }),
    )) as Inspected;
    const [message] = await firstMessages(broker.inspector, 'greetings', 'ready', 1);
    await broker.close();
    expect(JSON.parse(Buffer.from(message?.body ?? []).toString())).toEqual([
      1,
      1_000,
      9_007_199_254_740_991,
      -0.5,
      { a: '12345678901234567890' },
      'Ada',
      '007',
      null,
      'x',
    ]);
  }, 20_000);
});

describe('output without a reader', () => {
  it('ends queues --watch without an error', async () => {
    const { env } = workplace();
    await brokkr(['send', 'greet', '"Ada"', '-a', app], env).exited;
    const run = brokkr(['queues', '--watch'], env);
    await until(() => run.output().includes('greetings'), 'it printed');
    run.child.stdout?.destroy();
    expect(await run.exited).toBe(0);
    expect(run.errors()).toBe('');
  }, 20_000);

  it('does not stop a worker', async () => {
    const { env, notes } = workplace();
    const run = brokkr(['worker', '-a', app, '-q', 'greetings'], env);
    await until(() => run.output().includes('worker started'), 'it started');
    run.child.stdout?.destroy();
    run.child.stderr?.destroy();
    await brokkr(['send', 'greet', '"Ada"', '-a', app], env).exited;
    await until(() => notes().includes('hello Ada'), 'the task ran');
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
  }, 20_000);
});

it('a task that keeps its result on a broker without results is refused by worker, worker -p 2 and doctor alike', async () => {
  const env = { TASK_BROKER_URL: 'amqp://127.0.0.1:1' };
  for (const args of [['worker'], ['worker', '-p', '2'], ['doctor']]) {
    const run = brokkr([...args, '-a', 'test/fixtures/apps/keeping.ts'], env);
    expect([args, await run.exited]).toEqual([args, 2]);
    expect(run.output() + run.errors()).toMatch(/task greet keeps its result.*TASK_RESULT_URL/);
  }
}, 30_000);

describe('the queues of brokkr worker', () => {
  it('a worker that serves no queue of a task names the option that does', async () => {
    const { env } = workplace();
    const run = brokkr(['worker', '-a', app], env);
    await until(() => run.output().includes('worker started'), 'it started');
    expect(run.output()).toMatch(
      /greet \(greetings\).* to serve them, run brokkr worker -q default,greetings or -q all/,
    );
    run.child.kill('SIGTERM');
    await run.exited;
  }, 20_000);

  it.each([
    ['all', ['greetings']],
    ['default:2,all', ['default', 'greetings']],
  ])(
    '-q %s serves every queue of the application',
    async (queues, served) => {
      const { env } = workplace();
      const run = brokkr(['worker', '-a', app, '-q', queues], env);
      await until(() => run.output().includes('worker started'), 'it started');
      expect(run.output()).toContain(`"queues":${JSON.stringify(served)}`);
      expect(run.output()).not.toContain('no worker of this process');
      run.child.kill('SIGTERM');
      await run.exited;
    },
    20_000,
  );

  it.each(['all:2', 'emails:0', 'emails:00', 'a,,b'])(
    '-q %s is wrong usage',
    async (queues) => {
      const run = brokkr(['worker', '-a', app, '-q', queues]);
      expect(await run.exited).toBe(2);
      expect(run.errors()).toMatch(/-q ".*": give names separated by commas/);
    },
    20_000,
  );
});

it('an application in TypeScript may import by the paths of its tsconfig.json', async () => {
  const { folder } = workplace();
  symlinkSync(join(import.meta.dirname, '..', '..', 'node_modules'), join(folder, 'node_modules'));
  mkdirSync(join(folder, 'src', 'lib'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'tsconfig.json'), '{"compilerOptions":{"paths":{"@lib/*":["./src/lib/*"]}}}');
  writeFileSync(join(folder, 'src', 'lib', 'name.ts'), "export const name: string = 'by-path';\n");
  writeFileSync(
    join(folder, 'src', 'tasks.ts'),
    `import { TaskManager } from '@brokkr/core';
import { name } from '@lib/name';
TaskManager.getInstance().task({ name }, async () => undefined);
`,
  );
  const run = brokkr(['tasks', '--json'], {}, folder);
  expect(`${await run.exited} ${run.errors()}`).toBe('0 ');
  expect(JSON.parse(run.output())).toMatchObject([{ name: 'by-path' }]);
}, 20_000);
