import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { createBroker, TaskManager } from '../../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'brokkr-adapters-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function install(name: string, manifest: object, files: Readonly<Record<string, string>>): void {
  const at = join(folder, 'node_modules', name);
  mkdirSync(at, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(at, file), text);
  writeFileSync(join(at, 'package.json'), JSON.stringify({ name, version: '1.0.0', type: 'module', ...manifest }));
}

const adapter = (name: string) => `export function createBroker(url) {
  return { capabilities: {}, publish: async () => ['${name} for ' + url], close: async () => undefined };
}`;

install('only-import', { exports: { '.': { import: './a.js' } } }, { 'a.js': adapter('only-import') });
install('only-import-sub', { exports: { './nats': { import: './a.js' } } }, { 'a.js': adapter('subpath') });
install('plain', { exports: './a.js' }, { 'a.js': adapter('plain') });
install(
  'made',
  { type: 'commonjs', main: 'a.js' },
  {
    'a.js': `module.exports = make(); function make() { ${adapter('made').replace('export ', '')} return { createBroker }; }`,
  },
);
install('no-entry', { exports: { './other': './a.js' } }, { 'a.js': adapter('no-entry') });
install(
  'passes-on',
  { exports: './a.js' },
  {
    'a.js': `export { createBroker } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, '../../dist/index.js')).href)};`,
  },
);
install('broken', { exports: './a.js' }, { 'a.js': "import 'the-client-it-needs';" });
install('not-an-adapter', { exports: './a.js' }, { 'a.js': 'export const answer = 42;' });
writeFileSync(join(folder, 'adapter.js'), adapter('file'));

/**
 * Returns the answer of a broker for `url` in an application with these packages, or the code and message of the error.
 */
function answerOf(url: string, brokerPackage: string): string {
  const core = pathToFileURL(join(import.meta.dirname, '../../dist/index.js')).href;
  const script = `
    const { createBroker } = await import(${JSON.stringify(core)});
    try {
      console.log((await createBroker(${JSON.stringify(url)}).publish([]))[0]);
    } catch (error) {
      console.log(error.code + ': ' + error.message);
    }`;
  const env = { PATH: process.env.PATH, TASK_BROKER_PACKAGE: brokerPackage };
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: folder, env }).toString().trim();
}

describe('the package of a broker', () => {
  it.each([
    ['exports for `import` only', 'only-import', 'only-import for nats://h'],
    ['exports of a subpath for `import` only', 'only-import-sub/nats', 'subpath for nats://h'],
    ['exports without conditions', 'plain', 'plain for nats://h'],
    ['exports that CommonJS makes at run time', 'made', 'made for nats://h'],
  ])('is loaded with %s', (_, name, answer) => {
    expect(answerOf('nats://h', name)).toBe(answer);
  });

  it('is chosen by scheme if several are named, also before our own adapter', () => {
    const packages = 'nats=only-import, SQS=plain,memory=made';
    expect(answerOf('nats://h', packages)).toBe('only-import for nats://h');
    expect(answerOf('sqs://h', packages)).toBe('plain for sqs://h');
    expect(answerOf('memory:', packages)).toBe('made for memory:');
    expect(answerOf('kafka://h', packages)).toMatch(/^SCHEME_UNKNOWN: .*kafka.*TASK_BROKER_PACKAGE$/);
  });

  it.each([
    ['no-entry', /^ADAPTER_INVALID: package no-entry cannot be found through its package\.json: .*exports/],
    ['broken', /^ADAPTER_INVALID: package broken cannot be loaded: .*the-client-it-needs/],
    ['not-an-adapter', /^ADAPTER_INVALID: package not-an-adapter is not a broker adapter/],
    [
      '@brokkr/core',
      /^ADAPTER_INVALID: .*TASK_BROKER_PACKAGE is that of @brokkr\/core.*name the package of an adapter/,
    ],
    ['passes-on', /^ADAPTER_INVALID: .*TASK_BROKER_PACKAGE is that of @brokkr\/core/],
    ['missing', /^ADAPTER_NOT_INSTALLED: .*npm install missing/],
    ['adapter.js', /^BROKER_PACKAGE_INVALID: TASK_BROKER_PACKAGE: adapter\.js is a file.*registerBroker/],
  ])('that cannot be used is an error with the reason: %s', (name, message) => {
    expect(answerOf('nats://h', name)).toMatch(message);
  });

  it.each<[string, RegExp]>([
    ['./adapter.js', /"\.\/adapter\.js" is not the name of a package .*registerBroker/],
    ['/srv/adapter.js', /is not the name of a package/],
    ['file:///srv/adapter.js', /is not the name of a package/],
    ['C:\\adapter.js', /is not the name of a package/],
    ['nats/../../adapter.js', /is not the name of a package/],
    ['fs', /"fs" is a module of Node/],
    ['node:http', /"node:http" is a module of Node/],
    ['nats=fs', /"fs" is a module of Node/],
    ['nats=', /"" is not the name of a package/],
    ['nats=@acme/nats,@acme/sqs', /scheme=package for each scheme.*got "@acme\/sqs"/],
    ['nats=a,NATS=b', /names two packages for nats/],
    [`nats=${'a'.repeat(5_000)}`, /must have at most 4096 characters/],
  ])('is checked early, as option and as setting: %s', (name, message) => {
    const code = 'BROKER_PACKAGE_INVALID';
    expect(() => createBroker('nats://h', { brokerPackage: name })).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) as string }),
    );
    expect(() => TaskManager.getInstance('load-adapter').configure({ brokerPackage: name })).toThrow(
      expect.objectContaining({ code: 'SETTINGS_INVALID', message: expect.stringMatching(message) as string }),
    );
  });
});
