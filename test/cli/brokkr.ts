import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, expect } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
export const command = join(root, 'packages', 'cli', 'bin', 'brokkr.js');
export const app = join(root, 'test', 'fixtures', 'apps', 'tasks.ts');

const running = new Set<ChildProcess>();
const folders: string[] = [];

afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  await Promise.all([...running].map((child) => new Promise((resolve) => child.once('close', resolve))));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** A folder of this test, with a broker in it and the file that tasks write to. */
export function workplace(): { env: NodeJS.ProcessEnv; notes: () => string[]; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'brokkr-cli-'));
  folders.push(folder);
  const notesFile = join(folder, 'notes');
  return {
    folder,
    env: {
      TASK_BROKER_URL: pathToFileURL(join(folder, 'broker')).href.replace('file:', 'files:'),
      TASK_BROKER_PACKAGE: '@brokkr-examples/custom-broker',
      NOTES_FILE: notesFile,
    },
    notes() {
      try {
        return readFileSync(notesFile, 'utf8').trim().split('\n');
      } catch {
        return [];
      }
    },
  };
}

export interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly errors: () => string;
  readonly exited: Promise<number | null>;
}

export function brokkr(args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = root): Run {
  const child = spawn(process.execPath, [command, ...args], {
    cwd,
    env: { ...process.env, NODE_OPTIONS: '', LOG_FORMAT: 'json', ...env },
  });
  running.add(child);
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const exited = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      running.delete(child);
      resolve(code);
    });
  });
  return { child, output: () => output, errors: () => errors, exited };
}

/** Waits for a condition, for at most half a minute: processes start slowly on a busy machine. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  await expect.poll(condition, { timeout: 30_000, interval: 20, message: what }).toBe(true);
}

/** Ends a worker without its running tasks: SIGTERM, and again until it ends. Signals within a second count once. */
export async function endNow(run: Run): Promise<number | null> {
  run.child.kill('SIGTERM');
  await until(() => run.output().includes('worker stopping'), 'it began to stop');
  const again = setInterval(() => run.child.kill('SIGTERM'), 100);
  try {
    return await run.exited;
  } finally {
    clearInterval(again);
  }
}
