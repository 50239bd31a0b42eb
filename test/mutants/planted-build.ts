import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import type { Mutant } from './mutant.ts';

const root = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);
const copies: string[] = [];

/** Copies the built core and memory broker to a new folder, in which they resolve each other. */
export function copyOfBuild(): string {
  const folder = mkdtempSync(join(tmpdir(), 'brokkr-mutant-'));
  copies.push(folder);
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@brokkr'), { recursive: true });
  for (const name of ['core', 'broker-memory']) {
    for (const part of ['dist', 'package.json']) {
      cpSync(join(root, 'packages', name, part), join(modules, '@brokkr', name, part), { recursive: true });
    }
  }
  for (const name of ['pino', 'fast-check', 'jiti']) symlinkSync(join(root, 'node_modules', name), join(modules, name));
  for (const name of ['run-suite.mjs', 'run-simulation.mjs'])
    cpSync(join(import.meta.dirname, name), join(folder, name));
  for (const name of ['simulation', 'support'])
    cpSync(join(root, 'test', name), join(folder, 'test', name), { recursive: true });
  return folder;
}

export function plant({ of, search, replace }: Mutant, folder: string): void {
  const dist = join(folder, 'node_modules', '@brokkr', of, 'dist');
  const files = readdirSync(dist, { encoding: 'utf8', recursive: true })
    .filter((name) => name.endsWith('.js'))
    .map((name) => ({ path: join(dist, name), parts: readFileSync(join(dist, name), 'utf8').split(search) }))
    .filter(({ parts }) => parts.length > 1);
  expect(
    files.map(({ parts }) => parts.length),
    `${of} holds ${JSON.stringify(search)} exactly once`,
  ).toEqual([2]);
  for (const { path, parts } of files) writeFileSync(path, parts.join(replace));
}

/** Returns the last line of a script in the copy: `green`, or `red` and the reason. */
export async function verdict(folder: string, script: string): Promise<string> {
  try {
    return (await run(process.execPath, [script], { cwd: folder, timeout: 60_000 })).stdout.trim();
  } catch (error) {
    return (error as { stdout?: string }).stdout?.trim() || 'red: it did not come to an end';
  }
}

export function removeCopies(): void {
  for (const folder of copies.splice(0)) rmSync(folder, { recursive: true, force: true });
}
