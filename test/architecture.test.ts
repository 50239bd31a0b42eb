import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformWithOxc } from 'vite';
import { describe, expect, it } from 'vitest';
import * as rules from './support/rules.ts';
import { packageSources, root, sourceOf } from './support/sources.ts';

const sources = packageSources();

/** For each rule, files that break it: a rule that cannot fail checks nothing. */
const broken: Readonly<Record<keyof typeof rules, readonly (readonly [path: string, text: string])[]>> = {
  coreLayers: [
    ['packages/core/src/retry/a.ts', "import { b } from '../worker/b.ts';\n"],
    ['packages/core/src/new-folder/a.ts', ''],
    ['packages/core/src/broker/a.ts', "import { b } from '../adapter/b.ts';\n"],
  ],
  brokerStandsOnErrors: [['packages/core/src/broker/a.ts', "import { b } from '../clock/b.ts';\n"]],
  noCycles: [
    ['packages/a/src/a.ts', "import { b } from './b.ts';\n"],
    ['packages/a/src/b.ts', "export { a } from './a.ts';\n"],
  ],
  packagesKeepApart: [['packages/broker-a/src/a.ts', "import { b } from '@brokkr/broker-b';\n"]],
  adaptersUseTheAdapterEntry: [['packages/broker-a/src/a.ts', "import type { Broker } from '@brokkr/core';\n"]],
  foldersHaveNoCycles: [
    ['packages/a/src/b/one.ts', "import { c } from '../c/two.ts';\n"],
    ['packages/a/src/c/three.ts', "import { b } from '../b/four.ts';\n"],
  ],
  onlyConfigReadsTheEnvironment: [['packages/core/src/worker/a.ts', 'export const a = process.env.A;\n']],
  onlyTheCliPrints: [['packages/core/src/worker/a.ts', "console.log('a');\n"]],
  timeComesFromTheClock: [['packages/core/src/worker/a.ts', 'export const a = Date.now();\n']],
  filesAreShort: [['packages/core/src/worker/a.ts', '\n'.repeat(301)]],
  optionalPeersStayOptional: [['packages/core/src/worker/a.ts', "import { Container } from 'inversify';\n"]],
};

describe('the structure of the packages', () => {
  it('is read: sources and their imports are found', () => {
    expect(sources.length).toBeGreaterThan(80);
    expect(sources.find(({ path }) => path === 'packages/core/src/index.ts')?.imports).toContain(
      'packages/core/src/manager/task-manager.ts',
    );
  });

  for (const [name, rule] of Object.entries(rules)) {
    it(`${name} holds, and can fail`, () => {
      expect(rule(sources)).toEqual([]);
      expect(rule(broken[name as keyof typeof rules].map(([path, text]) => sourceOf(path, text)))).not.toEqual([]);
    });
  }

  it.each([
    'broker/broker',
    'broker/delivery',
    'broker/diagnostics',
    'broker/elections',
    'broker/envelope',
    'broker/inspector',
    'broker/limit-store',
    'broker/message-index',
    'broker/record-store',
    'broker/result-store',
    'broker/settlement',
    'broker/signals',
    'broker/state-store',
    'broker/store',
    'broker/worker-directory',
    'broker/worker-report',
    'clock/clock',
    'retry/retry-policy',
    'worker/worker',
  ])('%s is a contract: it compiles to nothing', async (file) => {
    const source = readFileSync(join(root, 'packages/core/src', `${file}.ts`), 'utf8');
    const { code } = await transformWithOxc(source, `${file}.ts`, { sourcemap: false });
    expect(code.replace(/\/\*.*?\*\//gs, '').trim()).toBe('export {};');
  });
});
