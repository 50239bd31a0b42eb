import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { afterAll, describe, expect, it } from 'vitest';
import { root } from './support/sources.ts';

/** In the project while it is bundled, so that its packages are found; the bundle runs in a folder without packages. */
const sources = mkdtempSync(join(root, 'test', '.bundled-'));
const target = mkdtempSync(join(tmpdir(), 'brokkr-bundled-'));
afterAll(() => {
  rmSync(sources, { recursive: true, force: true });
  rmSync(target, { recursive: true, force: true });
});

interface Application {
  readonly registers: boolean;
  readonly givesLogger: boolean;
  readonly hasPinoBeside?: boolean;
}

const program = ({ registers, givesLogger }: Application) => `
  import { createBroker } from '@brokkr/broker-memory';
  import { registerBroker, TaskManager } from '@brokkr/core';
  ${givesLogger ? "import pino from 'pino';" : ''}
  async function main() {
    ${registers ? "registerBroker('memory', createBroker);" : 'void createBroker;'}
    const tm = TaskManager.getInstance();
    const add = tm.task({ name: 'add', result: '1m' }, async (a, b) => a + b);
    await tm.initialize({ ${givesLogger ? "logger: pino({ level: 'silent' })" : "logLevel: 'silent'"} });
    const worker = tm.createWorker();
    await worker.start();
    console.log(await (await add.send(1, 2)).result());
    await tm.close();
  }
  main().catch((error) => console.log(error.code + ': ' + error.message));`;

let count = 0;

/** Output of an application that was bundled into one file, and runs in a folder without packages. */
async function outputOf(format: 'esm' | 'cjs', application: Application): Promise<string> {
  const name = `app-${++count}`;
  const input = join(sources, `${name}.mjs`);
  writeFileSync(input, program(application));
  const place = join(target, name);
  mkdirSync(join(place, 'node_modules'), { recursive: true });
  const file = join(place, format === 'cjs' ? 'app.cjs' : 'app.mjs');
  const bundle = await rolldown({ input, platform: 'node', logLevel: 'silent' });
  await bundle.write({ file, format, codeSplitting: false });
  await bundle.close();
  if (application.hasPinoBeside === true) {
    for (const name of PINO) {
      cpSync(join(root, 'node_modules', name), join(place, 'node_modules', name), { recursive: true });
    }
  }
  const env = { PATH: process.env.PATH };
  return (await promisify(execFile)(process.execPath, [file], { cwd: place, env })).stdout.trim();
}

/** pino and the packages that it needs to write to standard output. */
const PINO = [
  'pino',
  '@pinojs',
  'atomic-sleep',
  'on-exit-leak-free',
  'pino-abstract-transport',
  'pino-std-serializers',
  'process-warning',
  'quick-format-unescaped',
  'real-require',
  'safe-stable-stringify',
  'sonic-boom',
  'split2',
  'thread-stream',
];

describe.each(['esm', 'cjs'] as const)('an application bundled into one file, as %s', (format) => {
  it('runs tasks without any package beside it, if it registers its broker and gives a logger', async () => {
    expect(await outputOf(format, { registers: true, givesLogger: true })).toBe('3');
  }, 60_000);

  it('runs tasks with pino beside it', async () => {
    expect(await outputOf(format, { registers: true, givesLogger: false, hasPinoBeside: true })).toBe('3');
  }, 60_000);

  it('reports a missing pino, and a missing adapter', async () => {
    expect(await outputOf(format, { registers: true, givesLogger: false })).toMatch(
      /^LOGGER_NOT_FOUND: the package pino is not installed beside file:.*as `logger`$/,
    );
    expect(await outputOf(format, { registers: false, givesLogger: true })).toMatch(
      /^ADAPTER_NOT_INSTALLED: .*@brokkr\/broker-memory.*registerBroker$/,
    );
  }, 60_000);
});
