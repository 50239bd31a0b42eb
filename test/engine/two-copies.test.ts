import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { testApp } from '@brokkr/broker-memory/testing';
import { TaskManager } from '@brokkr/core';
import { afterAll, describe, expect, it } from 'vitest';
import { root } from '../support/sources.ts';

const folder = mkdtempSync(join(tmpdir(), 'brokkr-copies-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An application and a library, each with its own copy of the built package. */
const copies = ['app', 'lib'].map((owner) => {
  const path = join(folder, owner, 'node_modules', '@brokkr', 'core');
  mkdirSync(dirname(path), { recursive: true });
  mkdirSync(path);
  cpSync(join(root, 'packages/core/package.json'), join(path, 'package.json'));
  cpSync(join(root, 'packages/core/dist'), join(path, 'dist'), { recursive: true });
  symlinkSync(join(root, 'node_modules/pino'), join(folder, owner, 'node_modules', 'pino'));
  symlinkSync(join(root, 'node_modules/@standard-schema'), join(folder, owner, 'node_modules', '@standard-schema'));
  return path;
});

/** Returns the output of a script in which `a` and `b` are the two copies. */
function run(body: string): string {
  const script = join(folder, 'app', 'main.mjs');
  const imports = copies.map(
    (path, index) => `import * as ${'ab'[index]} from ${JSON.stringify(`${path}/dist/index.js`)};`,
  );
  const report = `(use) => { try { return String(use()); } catch (error) { return error.code + ' ' + error.message; } }`;
  writeFileSync(script, `${imports.join('\n')}\nconst told = ${report};\n${body}`);
  return execFileSync(process.execPath, [script], { env: { PATH: process.env.PATH, LOG_LEVEL: 'silent' } })
    .toString()
    .trim();
}

const handler = 'async () => undefined';

describe('two copies of the package in a process', () => {
  it.each([
    ['getInstance', 'b.TaskManager.getInstance()'],
    ['getInstance of another manager', "b.TaskManager.getInstance('other')"],
    ['all', 'b.TaskManager.all()'],
    ['of', 'b.TaskManager.of(task)'],
    ['registerBroker', "b.registerBroker('nats', () => undefined)"],
    ['currentTask', 'b.currentTask()'],
  ])('are an error with both paths at %s of the second', (_, use) => {
    const told = run(`
      const task = a.TaskManager.getInstance().task({ name: 't' }, ${handler});
      console.log(told(() => ${use}));`);
    expect(told).toMatch(/^CORE_LOADED_TWICE /);
    for (const path of copies) expect(told).toContain(join(path, 'dist'));
    expect(told).toContain('npm dedupe');
  });

  it('are not an error if only one of them is used', () => {
    expect(run(`console.log(told(() => b.TaskManager.getInstance().name), b.TaskManager.all().length);`)).toBe(
      'default 1',
    );
  });

  it('share the errors with which a handler decides about its message', async () => {
    const second: typeof import('@brokkr/core') = await import(pathToFileURL(`${copies[1]}/dist/index.js`).href);
    const manager = TaskManager.getInstance('two-copies');
    const attempts = { permanent: 0, later: 0 };
    const permanent = manager.task({ name: 'permanent', maxRetries: 3 }, async () => {
      attempts.permanent++;
      throw new second.PermanentError('no such order');
    });
    const later = manager.task({ name: 'later', maxRetries: 0 }, async () => {
      attempts.later++;
      if (attempts.later === 1) throw new second.RetryLater('1m');
    });
    const app = await testApp({ tasks: [permanent, later] });
    await permanent.send();
    await later.send();
    await app.drain();
    await app.advance('1m');
    expect(attempts).toEqual({ permanent: 1, later: 2 });
    expect(app.dead('default')).toHaveLength(1);
    await app.close();
  });
});
