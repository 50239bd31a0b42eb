import { fileURLToPath } from 'node:url';
import { ConfigError } from './errors.ts';
import { ownUrl } from './own-url.ts';

/** A copy of this package in the process. */
interface Copy {
  readonly path: string;
  /**
   * Node has separate caches for the two. A loader that compiles ESM may load one file both ways: then there are two
   * copies.
   */
  readonly by: 'import' | 'require';
}

/**
 * Symbol that refers to the copy in use. Each copy has its own module variables, but `globalThis` and `Symbol.for` are
 * shared.
 */
const MARK = Symbol.for('@brokkr/core');

const shared: typeof globalThis & { [MARK]?: Copy } = globalThis;

const own: Copy = { path: ownPath(), by: typeof __filename === 'string' ? 'require' : 'import' };

/**
 * Makes this copy of the package the one in use. Called before state is stored or looked up in this copy: the workers
 * of another copy do not know the tasks of this one.
 * @throws ConfigError (`CORE_LOADED_TWICE`) if another copy is in use, with the paths of both
 */
export function claimOnlyCopy(): void {
  const used = shared[MARK];
  if (used === own) return;
  // A module registry that was reset (Jest, hot reload) loads the same file again the same way: the new copy replaces the old.
  if (used === undefined || (used.path === own.path && used.by === own.by)) {
    shared[MARK] = own;
    return;
  }
  const copies =
    used.path === own.path
      ? `${own.path}, loaded once by ${used.by} and once by ${own.by}: load it one way`
      : `${used.path} and ${own.path}: install it once for all packages, as a peer dependency of libraries (npm dedupe; npm ls @brokkr/core), and keep it out of bundles`;
  throw new ConfigError(
    `this process has two copies of @brokkr/core, and the tasks of one are unknown to the other: ${copies}`,
    { code: 'CORE_LOADED_TWICE' },
  );
}

function ownPath(): string {
  return ownUrl.startsWith('file:') ? fileURLToPath(ownUrl) : ownUrl;
}
