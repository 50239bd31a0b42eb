import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { type Mutant, mutants } from './mutants.ts';

const root = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);
const copies: string[] = [];

/** The built core and memory broker in a folder of their own, which resolve each other there. */
function copyOfBuild(): string {
  const folder = mkdtempSync(join(tmpdir(), 'brokkr-mutant-'));
  copies.push(folder);
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@brokkr'), { recursive: true });
  for (const name of ['core', 'broker-memory']) {
    for (const part of ['dist', 'package.json']) {
      cpSync(join(root, 'packages', name, part), join(modules, '@brokkr', name, part), { recursive: true });
    }
  }
  for (const name of ['pino', 'fast-check']) symlinkSync(join(root, 'node_modules', name), join(modules, name));
  cpSync(join(import.meta.dirname, 'run-suite.mjs'), join(folder, 'run-suite.mjs'));
  return folder;
}

async function suiteOn(folder: string): Promise<string> {
  try {
    return (await run(process.execPath, ['run-suite.mjs'], { cwd: folder, timeout: 60_000 })).stdout.trim();
  } catch (error) {
    return (error as { stdout?: string }).stdout?.trim() || 'red: it did not come to an end';
  }
}

function plant({ file, search, replace }: Mutant, folder: string): void {
  const path = join(folder, 'node_modules', '@brokkr', file);
  const parts = readFileSync(path, 'utf8').split(search);
  expect(parts, `${file} holds ${JSON.stringify(search)} exactly once`).toHaveLength(2);
  writeFileSync(path, parts.join(replace));
}

describe('the conformance suite finds deliberate faults', () => {
  afterAll(() => {
    for (const folder of copies) rmSync(folder, { recursive: true, force: true });
  });

  it('is green without one', async () => {
    expect(await suiteOn(copyOfBuild())).toMatch(/^green/);
  }, 60_000);

  it.each(mutants)(
    '$name',
    async (mutant: Mutant) => {
      const folder = copyOfBuild();
      plant(mutant, folder);
      expect(await suiteOn(folder)).toMatch(/^red/);
    },
    120_000,
  );
});
