import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from './support/sources.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'brokkr-packed-'));
const packages = readdirSync(join(root, 'packages'));
const env = { ...process.env, NODE_OPTIONS: '', LOG_LEVEL: 'silent' };

async function tarballOf(name: string): Promise<string> {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: join(root, 'packages', name),
  });
  const [packed] = JSON.parse(stdout) as [{ filename: string }];
  return join(folder, packed.filename);
}

function file(name: string, text: string): void {
  writeFileSync(join(folder, 'app', name), text);
}

async function node(...args: string[]): Promise<string> {
  return (await run(process.execPath, args, { cwd: join(folder, 'app'), env })).stdout.trim();
}

const tarballs = new Map<string, string>();

beforeAll(async () => {
  for (const name of packages) tarballs.set(name, await tarballOf(name));
  mkdirSync(join(folder, 'app'));
  file('package.json', '{ "name": "app", "private": true, "type": "module" }');
  const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'];
  await run('npm', ['install', ...flags, ...tarballs.values()], { cwd: join(folder, 'app') });
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Resolutions of TypeScript that the packages do not support. docs/supported-versions.md says so. */
const UNSUPPORTED = [
  // `moduleResolution: node10` does not read `exports`. TypeScript 7 has removed it.
  'NoResolution by node10',
  // CommonJS loads ESM by `require` on every supported Node; TypeScript knows that with `module: nodenext`, from 5.8.
  'CJSResolvesToESM by node16-cjs',
];

describe('the packages as published', () => {
  it.each(packages)('%s passes publint', async (name) => {
    const tarball = readFileSync(tarballs.get(name) as string);
    const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(tarball).buffer }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg ?? {}))).toEqual([]);
    expect(pkg).toMatchObject({ name: `@brokkr/${name}`, license: 'MIT' });
  });

  it.each(packages)('%s has types that every supported resolution finds', async (name) => {
    const tarball = readFileSync(tarballs.get(name) as string);
    const result = await checkPackage(createPackageFromTarballData(new Uint8Array(tarball)));
    if (result.types === false) throw new Error(`${name} has no types`);
    const found = result.problems.map((problem) => {
      const by = 'resolutionKind' in problem ? problem.resolutionKind : 'every resolution';
      return `${problem.kind} by ${by}`;
    });
    expect([...new Set(found)].sort()).toEqual([...UNSUPPORTED].sort());
  });

  it.each(packages)('%s holds its license, its README and no test', async (name) => {
    const installed = join(folder, 'app', 'node_modules', '@brokkr', name);
    expect(readdirSync(installed)).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'dist', 'src']));
    expect(readdirSync(installed)).not.toContain('test');
  });

  const checkTypes = [
    join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
    ...['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node', '--ignoreConfig'],
    ...['--typeRoots', join(root, 'node_modules', '@types')],
  ];

  const task = `
    const tm = TaskManager.getInstance();
    const add = tm.task({ result: '1m' }, async function add(a, b) { return a + b; });
    const worker = tm.createWorker();
    (async () => {
      await worker.start();
      console.log(await (await add.send(1, 2)).result());
      await tm.close();
    })();`;

  it('runs a task by import', async () => {
    file('run.mjs', `import { TaskManager } from '@brokkr/core';${task}`);
    expect(await node('run.mjs')).toBe('3');
  });

  it('runs a task by require', async () => {
    file('run.cjs', `const { TaskManager } = require('@brokkr/core');${task}`);
    expect(await node('--no-warnings', 'run.cjs')).toBe('3');
  });

  it('loads by every entry that needs no optional peer', async () => {
    const entries = ['core', 'broker-memory', 'broker-memory/testing', 'broker-redis', 'scheduler', 'dashboard', 'cli'];
    file('entries.mjs', entries.map((entry) => `await import('@brokkr/${entry}');`).join('\n'));
    await expect(node('entries.mjs')).resolves.toBe('');
  });

  it('runs a TypeScript application by the brokkr command', async () => {
    file(
      'tasks.ts',
      `import { TaskManager } from '@brokkr/core';
       const tm = TaskManager.getInstance();
       export const greet = tm.conditionalTask(async function greet(name: string): Promise<void> {
         console.log('hello ' + name);
         process.kill(process.pid, 'SIGTERM');
       });
       tm.onStart(async () => void (await greet.send('Ada')));`,
    );
    expect(await node('node_modules/.bin/brokkr', 'worker')).toBe('hello Ada');
    expect(JSON.parse(await node('node_modules/.bin/brokkr', 'tasks', '--json'))).toMatchObject([{ name: 'greet' }]);
  }, 30_000);

  it('has types for CommonJS with module: nodenext', async () => {
    file(
      'typed.cts',
      `import core = require('@brokkr/core');
       import redis = require('@brokkr/broker-redis');
       const add = core.TaskManager.getInstance().task(async function add(a: number, b: number) { return a + b; });
       // @ts-expect-error a string is not a number
       void add.send('1', 2);
       export const used = redis.RedisBroker;`,
    );
    await expect(node(...checkTypes, 'typed.cts')).resolves.toBe('');
  }, 60_000);

  it('has types for ESM', async () => {
    file(
      'typed.mts',
      `import { TaskManager } from '@brokkr/core';
       import { testApp } from '@brokkr/broker-memory/testing';
       import { RedisBroker } from '@brokkr/broker-redis';
       import { SchedulerManager } from '@brokkr/scheduler';
       const add = TaskManager.getInstance().task(async function add(a: number, b: number) { return a + b; });
       // @ts-expect-error a string is not a number
       void add.send('1', 2);
       export const used = [testApp, RedisBroker, SchedulerManager];`,
    );
    await expect(node(...checkTypes, 'typed.mts')).resolves.toBe('');
  }, 60_000);
});
