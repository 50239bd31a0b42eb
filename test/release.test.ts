import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { root } from './support/sources.ts';
import { VERSION } from '../packages/core/src/worker/version.ts';

interface Manifest {
  version: string;
  repository?: object;
  homepage?: string;
  bugs?: object;
  peerDependencies?: Record<string, string>;
  readonly [field: string]: unknown;
}

const folder = mkdtempSync(join(tmpdir(), 'brokkr-release-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const names = readdirSync(join(root, 'packages'));

function readManifest(place: string, path: string): Manifest {
  return JSON.parse(readFileSync(join(place, path, 'package.json'), 'utf8')) as Manifest;
}

function change(place: string, path: string, edit: (manifest: Manifest) => void): void {
  const manifest = readManifest(place, path);
  edit(manifest);
  writeFileSync(join(place, path, 'package.json'), JSON.stringify(manifest, null, 2));
}

/** The files in `exports` or `bin` of a package.json. */
function filesOf(value: unknown): readonly string[] {
  return typeof value === 'string' ? [value] : Object.values(value as object).flatMap(filesOf);
}

/** A copy of the project's metadata in which everything is filled in that the owner must fill in. */
function readyProject(): string {
  const place = mkdtempSync(join(folder, 'p-'));
  for (const name of names) {
    const path = `packages/${name}`;
    const { bin = {}, exports } = readManifest(root, path);
    for (const file of ['package.json', ...filesOf(bin), ...filesOf(exports)]) {
      mkdirSync(dirname(join(place, path, file)), { recursive: true });
      writeFileSync(join(place, path, file), '');
    }
    cpSync(join(root, path, 'package.json'), join(place, path, 'package.json'));
    change(place, path, (manifest) => {
      manifest.repository = { type: 'git', url: 'git+https://git.acme.dev/brokkr.git', directory: path };
      manifest.homepage = 'https://brokkr.acme.dev';
      manifest.bugs = { url: 'https://git.acme.dev/brokkr/issues' };
    });
  }
  for (const name of readdirSync(join(root, 'examples'))) {
    mkdirSync(join(place, 'examples', name), { recursive: true });
    cpSync(join(root, 'examples', name, 'package.json'), join(place, 'examples', name, 'package.json'));
  }
  mkdirSync(join(place, 'packages/core/src/worker'), { recursive: true });
  cpSync(join(root, 'packages/core/src/worker/version.ts'), join(place, 'packages/core/src/worker/version.ts'));
  const { version } = readManifest(root, 'packages/core');
  writeFileSync(join(place, 'CHANGELOG.md'), `# Changes\n\n## ${version}, 2026-12-01\n`);
  writeFileSync(join(place, 'SECURITY.md'), '# Security\n\nContact: security@acme.dev\n');
  return place;
}

function check(place: string) {
  const { status, stdout } = spawnSync(process.execPath, [join(root, 'release/check.mjs'), place], {
    encoding: 'utf8',
  });
  return { status, stdout };
}

describe('npm run release:check', () => {
  it('accepts a project in which everything is filled in', () => {
    expect(check(readyProject())).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(new RegExp(`^release:check: ${names.length} packages are ready`)) as string,
    });
  });

  const core = 'packages/core';
  it.each<[string, RegExp, (place: string) => void]>([
    [
      'no repository',
      /repository is missing .* packages\/core;/,
      (place) => change(place, core, (m) => delete m.repository),
    ],
    [
      'the folder of another package',
      /repository is missing or incomplete in packages\/core;/,
      (place) => change(place, core, (m) => Object.assign(m.repository as object, { directory: 'packages/cli' })),
    ],
    [
      'different repositories',
      /different repositories/,
      (place) =>
        change(place, core, (m) => Object.assign(m.repository as object, { url: 'git+https://git.other.dev/b.git' })),
    ],
    ['no homepage', /homepage is missing/, (place) => change(place, core, (m) => delete m.homepage)],
    [
      'a template as homepage',
      /homepage is missing/,
      (place) => change(place, core, (m) => (m.homepage = 'https://…')),
    ],
    ['no page for bugs', /bugs is missing/, (place) => change(place, core, (m) => delete m.bugs)],
    ['no contact', /SECURITY\.md/, (place) => writeFileSync(join(place, 'SECURITY.md'), 'Contact: (not set yet)\n')],
    ['no SECURITY.md', /SECURITY\.md/, (place) => rmSync(join(place, 'SECURITY.md'))],
    [
      'an unreleased version',
      /CHANGELOG\.md/,
      (place) => writeFileSync(join(place, 'CHANGELOG.md'), '## 0.1.0, unreleased\n'),
    ],
    [
      'changes of another version',
      /CHANGELOG/,
      (place) => writeFileSync(join(place, 'CHANGELOG.md'), '## 9.9.9, 2026-12-01\n'),
    ],
    [
      'two versions',
      /packages\/cli: version is 9\.9\.9/,
      (place) => change(place, 'packages/cli', (m) => (m.version = '9.9.9')),
    ],
    [
      'a peer of another version',
      /packages\/cli: peerDependencies has @brokkr\/core \^0\.1\.0/,
      (place) =>
        change(place, 'packages/cli', (m) => Object.assign(m.peerDependencies as object, { '@brokkr/core': '^0.1.0' })),
    ],
    [
      'no build',
      /packages\/core: .*dist\/index\.js.* missing/,
      (place) => rmSync(join(place, core, 'dist'), { recursive: true }),
    ],
  ])('reports %s, and fails', (_, problem, spoil) => {
    const place = readyProject();
    spoil(place);
    const { status, stdout } = check(place);
    expect(stdout).toMatch(problem);
    expect(status).toBe(1);
  });

  it('makes npm publish refuse', () => {
    const place = readyProject();
    cpSync(join(root, 'release'), join(place, 'release'), { recursive: true });
    change(place, core, (manifest) => delete manifest.homepage);
    const { status, stdout } = spawnSync('npm', ['publish', '--dry-run'], { cwd: join(place, core), encoding: 'utf8' });
    expect(stdout).toContain('homepage is missing');
    expect(status).toBe(1);
  }, 30_000);

  it.each(names)('is run by npm publish of %s, which is public and has provenance', (name) => {
    const manifest = readManifest(root, `packages/${name}`);
    expect(manifest.scripts).toMatchObject({ prepublishOnly: 'node ../../release/check.mjs' });
    expect(manifest.publishConfig).toEqual({ access: 'public', provenance: true });
    expect(manifest.engines).toEqual({ node: '>=20.19' });
    expect(manifest.keywords).toContain('brokkr');
    expect(manifest).toHaveProperty('sideEffects');
  });
});

describe('npm run release:version', () => {
  const setVersion = (place: string, ...args: string[]) =>
    spawnSync(process.execPath, [join(root, 'release/version.mjs'), ...args, ...(args.length > 0 ? [place] : [])], {
      encoding: 'utf8',
    });

  it('sets the version of all packages and examples, and that of their dependencies on each other', () => {
    const place = readyProject();
    expect(setVersion(place, '1.2.3-beta.1').status).toBe(0);
    writeFileSync(join(place, 'CHANGELOG.md'), '## 1.2.3-beta.1, 2026-12-01\n');
    expect(check(place).stdout).toContain('ready to be published as 1.2.3-beta.1');
    const constant = readFileSync(join(place, 'packages/core/src/worker/version.ts'), 'utf8');
    expect(constant).toContain("export const VERSION = '1.2.3-beta.1';");
    for (const path of ['packages/core', 'packages/cli', 'examples/shop']) {
      const before = readFileSync(join(root, path, 'package.json'), 'utf8');
      const after = readFileSync(join(place, path, 'package.json'), 'utf8');
      expect(after).toContain('"version": "1.2.3-beta.1"');
      expect(after).not.toMatch(/"@brokkr\/[\w-]+": "0\./);
      expect(before).toContain('"version": "0.');
    }
  });

  it('has set the version that workers report', () => {
    expect(VERSION).toBe(readManifest(root, 'packages/core').version);
  });

  it.each(['1.2', 'v1.2.3', 'minor'])('refuses %s', (version) => {
    const place = readyProject();
    const { status, stderr } = setVersion(place, version);
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(`got ${version}`) as string });
    expect(readManifest(place, 'packages/core').version).toBe(readManifest(root, 'packages/core').version);
  });
});
