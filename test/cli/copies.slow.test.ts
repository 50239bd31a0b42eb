import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { root } from '../support/sources.ts';

const folder = mkdtempSync(join(tmpdir(), 'brokkr-installed-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Makes a folder with the packages in `node_modules` as npm installs them: ours are files, not links to the project. */
function install(name: string, files: Readonly<Record<string, string>>): string {
  const place = join(folder, name);
  const modules = join(place, 'node_modules');
  mkdirSync(join(modules, '@brokkr'), { recursive: true });
  for (const entry of readdirSync(join(root, 'node_modules'))) {
    if (!entry.startsWith('.') && entry !== '@brokkr') {
      symlinkSync(join(root, 'node_modules', entry), join(modules, entry));
    }
  }
  for (const each of ['core', 'cli']) {
    for (const part of ['package.json', 'dist', ...(each === 'cli' ? ['bin'] : [])]) {
      cpSync(join(root, 'packages', each, part), join(modules, '@brokkr', each, part), { recursive: true });
    }
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(place, path)), { recursive: true });
    writeFileSync(join(place, path), text);
  }
  return place;
}

function brokkr(place: string, ...args: string[]) {
  const command = join(place, 'node_modules', '@brokkr', 'cli', 'bin', 'brokkr.js');
  const env = { PATH: process.env.PATH };
  return spawnSync(process.execPath, [command, ...args], { cwd: place, env, encoding: 'utf8' });
}

function tasksOf(place: string, app: string): unknown {
  const { stdout, stderr } = brokkr(place, 'tasks', '--json', '-a', app);
  try {
    return (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name).sort();
  } catch {
    return stderr;
  }
}

const define = (name: string) => `TaskManager.getInstance().task({ name: '${name}' }, async () => {});`;

describe('an application whose library has its own copy of @brokkr/core', () => {
  const library = install('lib', {
    'package.json': '{ "name": "@acme/lib", "type": "module", "exports": "./index.js" }',
    'index.js': `import { TaskManager } from '@brokkr/core';\n${define('mail')}`,
  });
  const app = install('app', {
    'package.json': '{ "type": "module" }',
    'tasks.js': "import '@acme/lib';",
    'both.js': `import { TaskManager } from '@brokkr/core';\nimport '@acme/lib';\n${define('own')}`,
  });
  mkdirSync(join(app, 'node_modules', '@acme'));
  symlinkSync(library, join(app, 'node_modules', '@acme', 'lib'));

  it.each(['tasks.js', 'both.js'])('is refused with the paths of both copies: %s', (file) => {
    const { status, stderr } = brokkr(app, 'tasks', '-a', file);
    expect(status).toBe(2);
    expect(stderr).toMatch(/two copies of @brokkr\/core/);
    for (const place of [app, library]) expect(stderr).toContain(join(place, 'node_modules/@brokkr/core/dist'));
  });
});

describe('a TypeScript application that is CommonJS', () => {
  const place = install('commonjs', {
    'package.json': '{ "type": "commonjs" }',
    'app.ts': `import { TaskManager } from '@brokkr/core';\nexport const own = ${define('own')}\nrequire('./mail.ts');`,
    'mail.ts': `import { TaskManager } from '@brokkr/core';\nexport const mail = ${define('mail')}`,
    'only.ts': `const { TaskManager } = require('@brokkr/core');\nexport const only = ${define('only')}`,
    'equals.cts': `import core = require('@brokkr/core');\nexport const only = core.${define('only')}`,
  });

  it.each([
    ['loads files of tasks with require()', 'app.ts', ['mail', 'own']],
    ['loads the core with require()', 'only.ts', ['only']],
    ['loads the core with import = require()', 'equals.cts', ['only']],
  ])('has all its tasks if it %s', (_, file, names) => {
    expect(tasksOf(place, file)).toEqual(names);
  });
});

describe('a .env with a byte order mark', () => {
  it('names the application, as one without does', () => {
    const place = install('marked', {
      'package.json': '\uFEFF{ "type": "module" }',
      '.env': '\uFEFFAPP_MODULE=here.js\n',
      'here.js': `import { TaskManager } from '@brokkr/core';\n${define('found')}`,
    });
    const { stdout } = brokkr(place, 'tasks', '--json');
    expect(JSON.parse(stdout)).toMatchObject([{ name: 'found' }]);
  });

  it('is refused in an encoding that is not Unicode, with the name of the file', () => {
    const place = install('latin', { 'package.json': '{ "type": "module" }' });
    writeFileSync(join(place, '.env'), Buffer.from('APP_MODULE=café.js\n', 'latin1'));
    const { status, stderr } = brokkr(place, 'tasks');
    expect({ status, stderr }).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('.env is not valid UTF-8') as string,
    });
  });
});
