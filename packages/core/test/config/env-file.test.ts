import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { readEnvironment } from '../../src/config/env-file.ts';
import { ConfigError } from '../../src/index.ts';

const root = mkdtempSync(join(tmpdir(), 'brokkr-env-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function folderWith(env: string): string {
  const folder = mkdtempSync(join(root, 'f-'));
  writeFileSync(join(folder, '.env'), env);
  return folder;
}

/** What a process of an application in `folder` has in force, and what its environment has become. */
function inForce(folder: string, environment: NodeJS.ProcessEnv, initialize = '{}') {
  const core = pathToFileURL(join(import.meta.dirname, '../../dist/index.js')).href;
  const script = `
    const { TaskManager } = await import(${JSON.stringify(core)});
    const before = JSON.stringify(process.env);
    const tm = await TaskManager.getInstance().initialize(${initialize});
    const task = tm.task({ name: 't', queueName: 'of-the-task' }, async () => undefined);
    const { queueName, timeoutMs, maxRetries, namespace, logLevel } = tm.config;
    const untouched = before === JSON.stringify(process.env);
    console.log(JSON.stringify({ queueName, timeoutMs, maxRetries, namespace, logLevel, task: task.queueName, untouched }));
  `;
  const { PATH } = process.env;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: folder,
    env: { PATH, ...environment },
  });
  return JSON.parse(output.toString()) as unknown;
}

const env = [
  '# settings',
  'TASK_QUEUE_NAME=from-file',
  'TASK_TIMEOUT="5m"',
  'TASK_MAX_RETRIES=7',
  "TASK_NAMESPACE='file'",
  'LOG_LEVEL=silent',
].join('\n');

it('.env fills what the environment lacks, and process.env is not touched', () => {
  expect(inForce(folderWith(env), { TASK_MAX_RETRIES: '1' })).toEqual({
    queueName: 'from-file',
    timeoutMs: 300_000,
    maxRetries: 1,
    namespace: 'file',
    logLevel: 'silent',
    task: 'of-the-task',
    untouched: true,
  });
});

it('task, initialize, environment, .env, default: in this order', () => {
  const settings = "{ queueName: 'from-initialize', namespace: 'app' }";
  expect(inForce(folderWith(env), { TASK_QUEUE_NAME: 'from-environment', TASK_TIMEOUT: '7' }, settings)).toMatchObject({
    task: 'of-the-task',
    queueName: 'from-initialize',
    namespace: 'app',
    timeoutMs: 7_000,
    maxRetries: 7,
  });
});

it('a variable that is set and empty hides that of the file: unset on purpose', () => {
  expect(inForce(folderWith(env), { TASK_QUEUE_NAME: '' })).toMatchObject({ queueName: 'default' });
});

it('a folder without .env has the environment alone; one that cannot be read is an error', () => {
  const bare = mkdtempSync(join(root, 'f-'));
  expect(readEnvironment(bare)).toEqual({ ...process.env });
  mkdirSync(join(bare, '.env'));
  expect(() => readEnvironment(bare)).toThrow(ConfigError);
});
