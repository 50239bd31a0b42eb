import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { transformWithOxc } from 'vite';
import { afterAll, describe, expect, it } from 'vitest';
import { root } from './support/sources.ts';

const run = promisify(execFile);

interface Snippet {
  readonly where: string;
  readonly prints: string | undefined;
  readonly code: string;
}

/** Markdown files whose TypeScript is run. */
function pages(): string[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.md'),
  );
  return ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...docs.map((name) => join('docs', name))];
}

function snippetsOf(page: string): Snippet[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/(?:<!-- run: prints "(.*?)" -->\n+)?^```ts\n([\s\S]*?)^```$/gm)].map(
    ([, prints, code = ''], index) => ({
      where: `${page}, snippet ${index + 1}`,
      prints,
      code,
    }),
  );
}

// Inside the project, so that its packages are found.
const folder = mkdtempSync(join(root, 'test', '.snippets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('documented snippets do what they say', () => {
  const snippets = pages().flatMap(snippetsOf);

  it('are found', () => {
    expect(snippets.length).toBeGreaterThanOrEqual(2);
  });

  it.each(snippets)(
    '$where',
    async ({ prints, code, where }) => {
      expect(prints, `${where}: says what it prints, in a comment before it`).toBeDefined();
      // A worker that was started goes on for ever; a snippet need not show how it ends.
      const ended = code.includes('createWorker')
        ? `${code}\nawait new Promise((resolve) => worker.on('succeeded', resolve));\nawait tm.close();\n`
        : code;
      const path = join(folder, `${where.replace(/[^A-Za-z0-9]+/g, '-')}.mjs`);
      writeFileSync(path, (await transformWithOxc(ended, 'snippet.ts')).code);
      const { stdout } = await run(process.execPath, [path], {
        env: { ...process.env, LOG_LEVEL: 'silent', NODE_OPTIONS: '' },
        timeout: 20_000,
      });
      expect(stdout.trim()).toBe(prints);
    },
    30_000,
  );

  it('the commands and options of docs/cli.md are those there are', () => {
    const source = readFileSync(join(root, 'packages/cli/src/program.ts'), 'utf8');
    const options = [...source.matchAll(/\.option\('(?:(-\w), )?(--[\w-]+)/g)].flatMap(([, short, long]) => [
      short,
      long,
    ]);
    const commands = [...source.matchAll(/\.command\('(\w+)'\)/g)].map(([, name]) => name);
    const page = readFileSync(join(root, 'docs/cli.md'), 'utf8');
    const known = new Set([...options, '-h', '-V', '--help', '--version'].filter((name) => name !== undefined));
    const told = new Set([...page.matchAll(/(?<=[`\s])--?[a-zA-Z][\w-]*/g)].map(([name]) => name));
    expect(commands.length).toBeGreaterThan(10);
    expect(commands.filter((name) => !page.includes(` ${name}`) && !page.includes(`\`${name}`))).toEqual([]);
    expect([...told].sort()).toEqual([...known].sort());
  });

  it('the variables of docs/configuration.md are those that are read', () => {
    const source = readFileSync(join(root, 'packages/core/src/config/task-config.ts'), 'utf8');
    const read = [...source.matchAll(/^ {4}\w+: read\('(\w+)', '([A-Z_]+)'/gm)].flatMap(([, option, variable]) => [
      option,
      variable,
    ]);
    const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
    const told = [...page.matchAll(/`([A-Z_]{4,}|[a-z]+[A-Za-z]*)`/g)].map(([, name]) => name);
    expect(read.length).toBeGreaterThan(20);
    expect(read.filter((name) => !told.includes(name))).toEqual([]);
  });
});
