import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './sources.ts';

/** One fenced block of a page. */
export interface Fence {
  /** From the project's root: `docs/tasks.md`. */
  readonly page: string;
  /** Number of its first line of content, from 1. */
  readonly line: number;
  /** `ts`, `sh`, `console`, `text` or another word behind the fence; empty if there is no such word. */
  readonly language: string;
  readonly text: string;
  /** The text between the quotes of a comment `<!-- run: prints "…" -->` before the fence. */
  readonly prints: string | undefined;
}

const FENCE = /(?:<!-- run: prints "(.*?)" -->\n+)?^```(.*)\n([\s\S]*?)^```$/gm;
const FILE_COMMENT = /^\/\/ ([\w./-]+\.[mc]?[tj]sx?)$/;

/** Markdown pages of the project, by path from its root. */
export function pages(): string[] {
  const folders = ['docs', 'packages', 'examples'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  );
  const found = folders.filter((name) => name.endsWith('.md') && !/(^|\/)(node_modules|dist|test|src)\//.test(name));
  return ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', ...found.sort()];
}

export function readPage(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

export function fencesOf(page: string, markdown: string = readPage(page)): Fence[] {
  return [...markdown.matchAll(FENCE)].map(({ 0: match, 1: prints, 2: language = '', 3: text = '', index }) => {
    const before = markdown.slice(0, index + match.indexOf('```'));
    return { page, line: before.split('\n').length + 1, language: language.trim(), text, prints };
  });
}

/** The name in the first line of a fence that is a file of its page: `// tasks.ts`. */
export function fileNameOf({ text }: Fence): string | undefined {
  return FILE_COMMENT.exec(text.slice(0, text.indexOf('\n')))?.[1];
}

/** The text of a page that people read as sentences: without code, comments, links' targets and HTML. */
export function proseOf(markdown: string): string {
  return markdown
    .replaceAll(/^```[\s\S]*?^```$/gm, '')
    .replaceAll(/<!--[\s\S]*?-->/g, '')
    .replaceAll(/`[^`]*`/g, '')
    .replaceAll(/\]\([^)]*\)/g, ']')
    .replaceAll(/https?:\S+/g, '');
}
