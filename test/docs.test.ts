import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { transformWithOxc } from 'vite';
import { afterAll, describe, expect, it } from 'vitest';
import { fencesOf, fileNameOf, pages, readPage } from './support/markdown.ts';
import { root } from './support/sources.ts';

const run = promisify(execFile);

/** Inside the project, so that its packages are found. */
const folder = mkdtempSync(join(root, 'test', '.snippets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fences = pages().flatMap((page) => fencesOf(page));

describe('a snippet of the documentation prints what its comment says', () => {
  // Files of a page with several are run by test/tutorials.server.test.ts.
  const snippets = fences.filter((fence) => fence.language === 'ts' && fileNameOf(fence) === undefined);

  it('there are snippets', () => {
    expect(snippets.length).toBeGreaterThanOrEqual(7);
  });

  it.each(snippets.map((fence) => [`${fence.page}:${fence.line}`, fence] as const))(
    '%s',
    async (where, { prints, text }) => {
      expect(prints, `${where}: a comment <!-- run: prints "…" --> before it`).toBeDefined();
      const path = join(folder, `${where.replace(/[^A-Za-z0-9]+/g, '-')}.mjs`);
      writeFileSync(path, (await transformWithOxc(text, 'snippet.ts')).code);
      const { stdout } = await run(process.execPath, [path], {
        env: { ...process.env, LOG_LEVEL: 'silent', NODE_OPTIONS: '' },
        timeout: 20_000,
      });
      expect(stdout.trim()).toBe(prints);
    },
    30_000,
  );

  it('TypeScript is always marked `ts`, so that no snippet is left out', () => {
    const others = fences.filter(({ language }) => /^(typescript|js|javascript|tsx|mts)$/.test(language));
    expect(others.map(({ page, line }) => `${page}:${line}`)).toEqual([]);
  });
});

describe('links of the documentation', () => {
  it.each(pages())('%s links to pages and headings that exist', (page) => {
    const broken = linksOf(readPage(page)).filter((link) => !leadsSomewhere(page, link));
    expect(broken).toEqual([]);
  });

  it('a link to a heading that does not exist is found', () => {
    expect(leadsSomewhere('README.md', 'docs/tasks.md#no-such-heading')).toBe(false);
    expect(leadsSomewhere('README.md', 'docs/no-such-page.md')).toBe(false);
  });
});

describe('lists of the documentation are complete', () => {
  it('the commands and options of docs/cli.md are those that exist', () => {
    const folder = join(root, 'packages/cli/src/program');
    const files = ['../program.ts', ...readdirSync(folder)];
    const source = files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');
    const options = [...source.matchAll(/\.option\('(?:(-\w), )?(--[\w-]+)/g)].flatMap(([, short, long]) => [
      short,
      long,
    ]);
    const commands = [
      ...source.matchAll(/\.command\('(\w+)'\)/g),
      // Commands that are made in a loop: a name, a description, a function.
      ...source.matchAll(/^ +\['(\w+)', '.*', \w+Command\],$/gm),
    ].map(([, name]) => name);
    const page = readPage('docs/cli.md').replaceAll(/<!--[\s\S]*?-->/g, '');
    const known = new Set([...options, '-h', '-V', '--help', '--version'].filter((name) => name !== undefined));
    const documented = new Set([...page.matchAll(/(?<=[`\s])--?[a-zA-Z][\w-]*/g)].map(([name]) => name));
    expect(commands.length).toBeGreaterThan(10);
    expect(commands.filter((name) => !page.includes(` ${name}`) && !page.includes(`\`${name}`))).toEqual([]);
    expect([...documented].sort()).toEqual([...known].sort());
  });

  it('the variables of docs/configuration.md are those that are read', () => {
    const source = readFileSync(join(root, 'packages/core/src/config/task-config.ts'), 'utf8');
    const read = [...source.matchAll(/^ {4}\w+: read\('(\w+)', '([A-Z_]+)'/gm)].flatMap(([, option, variable]) => [
      option,
      variable,
    ]);
    const documented = [...readPage('docs/configuration.md').matchAll(/`([A-Z_]{4,}|[a-z]+[A-Za-z]*)`/g)].map(
      ([, name]) => name,
    );
    expect(read.length).toBeGreaterThan(20);
    expect(read.filter((name) => !documented.includes(name))).toEqual([]);
  });

  it('every page of docs is reached from the README', () => {
    const linked = linksOf(readPage('README.md')).map((link) => link.split('#')[0]);
    const guides = pages().filter((page) => /^docs\/[^/]+\.md$/.test(page));
    expect(guides.filter((page) => !linked.includes(page))).toEqual([]);
  });
});

describe('files that pages name exist', () => {
  it.each(['CONTRIBUTING.md', 'docs/lifecycle.md', 'docs/writing-a-broker.md', 'docs/redis.md', 'docs/reliability.md'])(
    '%s',
    (page) => {
      const named = [...readPage(page).matchAll(/(?<![\w/.*-])(?:[a-z][\w-]*\/)+[\w-]+\.(?:ts|md)\b/g)].map(
        ([path]) => path,
      );
      const places = ['', 'packages/core/src/', 'docs/', 'examples/custom-broker/'];
      const missing = named.filter((path) => !places.some((place) => existsSync(join(root, place, path))));
      expect(missing).toEqual([]);
    },
  );
});

/** Targets of links to this project, outside of code. */
function linksOf(markdown: string): string[] {
  const prose = markdown.replaceAll(/^```[\s\S]*?^```$/gm, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^(https?|mailto):/.test(link));
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', heading] = link.split('#');
  const target = path === '' ? page : normalize(join(dirname(page), path));
  if (!existsSync(join(root, target))) return false;
  return heading === undefined || headingsOf(readPage(target)).includes(heading);
}

/** Names under which GitHub links to the headings of a page. */
function headingsOf(markdown: string): string[] {
  return [...markdown.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
