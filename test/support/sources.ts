import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');

/** A source file of a package, with its imports. */
export interface Source {
  /** From the project's root: `packages/core/src/retry/fixed.ts`. */
  readonly path: string;
  readonly text: string;
  /** Files of the project by path, packages by name. */
  readonly imports: readonly string[];
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

export function sourceOf(path: string, text: string): Source {
  const imports = [...text.matchAll(IMPORT)].map((match) => {
    const name = match[1] ?? match[2] ?? match[3] ?? '';
    return name.startsWith('.') ? join(dirname(path), name) : name;
  });
  return { path, text, imports };
}

/** Returns every source file of every package. */
export function packageSources(): Source[] {
  return readdirSync(join(root, 'packages')).flatMap((name) => sourcesBelow(join(root, 'packages', name, 'src')));
}

function sourcesBelow(folder: string, files = /\.ts$/): Source[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : sourcesBelow(path, files);
    return files.test(entry.name) ? [sourceOf(relative(root, path), readFileSync(path, 'utf8'))] : [];
  });
}

/** Returns every file of tests, benches and examples, without fixtures that are run elsewhere. */
export function testSources(): Source[] {
  const folders = [
    'bench',
    'test',
    ...below('packages', 'test'),
    ...below('examples', 'src'),
    ...below('examples', 'test'),
  ];
  return folders.flatMap((folder) => sourcesBelow(join(root, folder), /\.(?:ts|mjs)$/));
}

/** Folders of this name in the packages of a workspace. */
function below(workspace: string, name: string): string[] {
  return readdirSync(join(root, workspace))
    .map((each) => join(workspace, each, name))
    .filter((folder) => existsSync(join(root, folder)));
}
