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

function folderWith(env: string | Buffer): string {
  const folder = mkdtempSync(join(root, 'f-'));
  writeFileSync(join(folder, '.env'), env);
  return folder;
}

/**
 * Returns the settings of a process that runs an application in `folder`, and whether its environment stayed the same.
 */
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

it('.env sets the variables that the environment does not, and process.env stays the same', () => {
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

it('settings come from the task, initialize, the environment, .env and the defaults, in this order', () => {
  const settings = "{ queueName: 'from-initialize', namespace: 'app' }";
  expect(inForce(folderWith(env), { TASK_QUEUE_NAME: 'from-environment', TASK_TIMEOUT: '7' }, settings)).toMatchObject({
    task: 'of-the-task',
    queueName: 'from-initialize',
    namespace: 'app',
    timeoutMs: 7_000,
    maxRetries: 7,
  });
});

it('an empty variable hides the one of the file', () => {
  expect(inForce(folderWith(env), { TASK_QUEUE_NAME: '' })).toMatchObject({ queueName: 'default' });
});

it('without .env only the environment counts; an unreadable .env is an error', () => {
  const bare = mkdtempSync(join(root, 'f-'));
  expect(readEnvironment(bare)).toEqual({ ...process.env });
  mkdirSync(join(bare, '.env'));
  expect(() => readEnvironment(bare)).toThrow(ConfigError);
});

const values = 'TASK_BROKER_URL=redis://h/0\nTASK_NAMESPACE=café\n';
const withMark = `\uFEFF${values}`;

it.each([
  ['UTF-8 with a byte order mark', Buffer.from(withMark)],
  ['UTF-16 little endian', Buffer.from(withMark, 'utf16le')],
  ['UTF-16 big endian', Buffer.from(withMark, 'utf16le').swap16()],
  ['two files with marks, joined', Buffer.from(`\uFEFFTASK_BROKER_URL=redis://h/0\n\uFEFFTASK_NAMESPACE=café\n`)],
  ['lines that end with CR LF', Buffer.from(values.replaceAll('\n', '\r\n'))],
  ['lines that end with CR', Buffer.from(values.replaceAll('\n', '\r'))],
])('every variable of .env is read from %s', (_, bytes) => {
  expect(readEnvironment(folderWith(bytes))).toMatchObject({
    TASK_BROKER_URL: 'redis://h/0',
    TASK_NAMESPACE: 'café',
  });
});

it.each([
  ['Latin-1', Buffer.from(values, 'latin1'), 'is not valid UTF-8'],
  ['UTF-16 that breaks off', Buffer.from(withMark, 'utf16le').subarray(0, -1), 'is not valid UTF-16LE'],
  ['UTF-16 without a mark', Buffer.from(values.replace('é', 'e'), 'utf16le'), 'contains NUL characters'],
])('.env in %s is an error that names the file, and loses no variable silently', (_, bytes, problem) => {
  const folder = folderWith(bytes);
  expect(() => readEnvironment(folder)).toThrow(`${join(folder, '.env')} ${problem}; save it as UTF-8`);
});

it.each([
  ['a space of a web page before the name', '\u00a0TASK_QUEUE_NAME=mail'],
  ['a line separator of Unicode', 'A=1\u2028TASK_QUEUE_NAME=mail'],
  ['a vertical tab', 'A=1\vTASK_QUEUE_NAME=mail'],
])('a variable of .env is read after %s', (_, text) => {
  expect(readEnvironment(folderWith(text)).TASK_QUEUE_NAME).toBe('mail');
});

it.each([
  ['a colon', 'TASK_QUEUE_NAME: mail'],
  ['nothing', 'TASK_QUEUE_NAME'],
  ['quotes around the line', '"TASK_QUEUE_NAME=mail"'],
  ["the shell's set", 'set TASK_QUEUE_NAME=mail'],
  ['the syntax of PowerShell', '$env:TASK_QUEUE_NAME="mail"'],
])('a line of .env that names a setting and does not set it is an error with its number: %s', (_, line) => {
  const folder = folderWith(`# first\n${line}\nTASK_TIMEOUT=5m\n`);
  const problem = `${join(folder, '.env')}, line 2, does not set TASK_QUEUE_NAME; write TASK_QUEUE_NAME=value`;
  expect(() => readEnvironment(folder)).toThrow(problem);
});

it('a comment and a text of several lines may name settings', () => {
  const folder = folderWith('# TASK_QUEUE_NAME: mail\nHELP="set\nTASK_TIMEOUT: a duration\n"\n');
  expect(readEnvironment(folder)).toMatchObject({ HELP: 'set\nTASK_TIMEOUT: a duration\n' });
});
