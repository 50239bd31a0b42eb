import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { root } from '../support/sources.ts';

const folder = mkdtempSync(join(tmpdir(), 'brokkr-nodes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function testNodes(...args: string[]) {
  const script = join(root, 'test', 'nodes', 'test-nodes.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

/**
 * Creates a program that replaces `node`: it prints a version, and `output` instead of running tests.
 * @param report the report of vitest that it writes
 */
function nodeThatPrints(output: string, exitCode = 0, report?: object): string {
  const path = join(mkdtempSync(join(folder, 'n-')), 'node');
  writeFileSync(`${path}.json`, JSON.stringify(report ?? ''));
  const writes = `for arg; do case "$arg" in --outputFile.json=*) cp '${path}.json' "\${arg#*=}";; esac; done`;
  const lines = ['#!/bin/sh', '[ "$1" = --version ] && echo v0.0.1 && exit', ...(report ? [writes] : [])];
  writeFileSync(path, `${lines.join('\n')}\nprintf '${output}'\nexit ${exitCode}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('npm run test:nodes', () => {
  it('has each even version from the lowest that engines allow to the newest, on Linux', () => {
    const { optionalDependencies } = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8')) as {
      optionalDependencies: Record<string, string>;
    };
    for (const arch of ['x64', 'arm64']) {
      const majors = Object.keys(optionalDependencies)
        .filter((name) => name.endsWith(`-linux-${arch}`))
        .map((name) => Number(name.split('-')[1]));
      expect(majors).toEqual([20, 22, 24, 26]);
      for (const major of majors) {
        expect(optionalDependencies[`node-${major}-linux-${arch}`]).toMatch(
          new RegExp(`^npm:node-linux-${arch}@${major}\\.\\d+\\.\\d+$`),
        );
      }
    }
    const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { engines: { node: string } };
    expect(engines.node).toBe('>=20.19');
  });

  it('prints the sum over all versions and both runs of each', () => {
    const green = nodeThatPrints('Tests\\n\\n7 passed, 0 failed\\n');
    expect(testNodes(green, green)).toMatchObject({ status: 0, stdout: '28 passed, 0 failed\n' });
  });

  it('fails if a test failed, if a run ended badly, and if a run reported nothing', () => {
    const red = nodeThatPrints('\\n3 passed, 2 failed\\n', 1);
    expect(testNodes(red)).toMatchObject({ status: 1, stdout: expect.stringMatching(/\n6 passed, 4 failed\n$/) });
    const killed = nodeThatPrints('\\n3 passed, 0 failed\\n', 137);
    expect(testNodes(killed)).toMatchObject({ status: 1, stdout: expect.stringMatching(/\n6 passed, 2 failed\n$/) });
    expect(testNodes(nodeThatPrints(''))).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/\n0 passed, 2 failed\n$/),
    });
  });

  it('names every failed test and its message just before the last line', () => {
    const report = {
      testResults: [
        {
          name: join(root, 'test/a.test.ts'),
          message: '',
          assertionResults: [
            { status: 'passed', fullName: 'holds', failureMessages: [] },
            {
              status: 'failed',
              fullName: 'the sum is right',
              failureMessages: ['\u001b[31mexpected 3 to be 4\n  at x'],
            },
          ],
        },
        { name: join(root, 'test/b.test.ts'), message: 'cannot be loaded', assertionResults: [] },
      ],
    };
    const { stdout } = testNodes(nodeThatPrints('\n3 passed, 3 failed\n', 1, report));
    const end = stdout.slice(stdout.indexOf('Node v0.0.1, servers'));
    expect(end).toBe(
      [
        'Node v0.0.1, servers: test/a.test.ts > the sum is right\n    expected 3 to be 4\n      at x\n',
        'Node v0.0.1, servers: test/b.test.ts\n    cannot be loaded\n',
        'Node v0.0.1, servers: 1 failures without a test, exit code 1; the run ended with\n    3 passed, 3 failed\n',
        '6 passed, 6 failed\n',
      ].join('\n'),
    );
  });

  it('writes messages of any length as a few lines', () => {
    const failureMessages = [`${'x'.repeat(500)}\n`.repeat(20)];
    const test = { status: 'failed', fullName: 'is long', failureMessages };
    const assertionResults = Array.from({ length: 200 }, () => test);
    const report = { testResults: [{ name: join(root, 'test/a.test.ts'), message: '', assertionResults }] };
    const { stdout } = testNodes(nodeThatPrints('\n0 passed, 200 failed\n', 1, report));
    expect(stdout.length).toBeLessThan(250_000);
    expect(stdout).toMatch(/… and 350 more\n\n0 passed, 400 failed\n$/);
  });

  it('refuses a version that it does not have, and a path that is not a program', () => {
    const unknown = testNodes('19');
    expect(unknown).toMatchObject({ status: 2, stdout: '' });
    expect(unknown.stderr).toContain('no package of Node 19');
    const missing = testNodes(join(folder, 'missing'));
    expect(missing).toMatchObject({ status: 2, stdout: '' });
    expect(missing.stderr).toContain('cannot be run: ENOENT');
  });
});

describe('the last line of a test run', () => {
  const testsOf = 'test/lockfile.test.ts';
  const run = (before: string) => {
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const env = { ...process.env, BROKKR_TESTED_BEFORE: before, BROKKR_TESTS: 'unit' };
    const { status, stdout } = spawnSync(process.execPath, [vitest, 'run', testsOf], {
      cwd: root,
      env,
      encoding: 'utf8',
    });
    return { status, line: stdout.trim().split('\n').at(-1) };
  };

  it('adds the run before it, and fails if that run failed or has no result', () => {
    expect(run('')).toEqual({ status: 0, line: '6 passed, 0 failed' });
    expect(run('100 passed, 0 failed')).toEqual({ status: 0, line: '106 passed, 0 failed' });
    expect(run('100 passed, 2 failed')).toEqual({ status: 1, line: '106 passed, 2 failed' });
    expect(run('npm error')).toEqual({ status: 1, line: '6 passed, 1 failed' });
  }, 60_000);
});
