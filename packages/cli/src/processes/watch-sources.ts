import { dirname, relative, sep } from 'node:path';

/** Folders below a watched folder that hold no sources of the application. */
const IGNORED: ReadonlySet<string> = new Set(['node_modules', 'dist', '.git', '.turbo', 'coverage']);
const SOURCES = /\.(ts|mts|cts|js|mjs|cjs|json)$|(^|[/\\])\.env$/;
/** Editors write a file in several steps, and several files together. */
const QUIET_MS = 150;

/**
 * Calls `onChange` when source files beside or below the application, or below the working folder, have changed.
 *
 * @returns ends the watch
 */
export async function watchSources(appPath: string, onChange: () => void): Promise<() => Promise<void>> {
  const { watch } = await import('chokidar');
  const folders = [...new Set([dirname(appPath), process.cwd()])];
  const watcher = watch(folders, {
    ignoreInitial: true,
    ignored: (path, stats) => isIgnored(path, folders) || (stats?.isFile() === true && !SOURCES.test(path)),
  });
  let timer: NodeJS.Timeout | undefined;
  watcher.on('all', (event) => {
    // A folder is not a source: its files have events of their own.
    if (event === 'addDir' || event === 'unlinkDir') return;
    clearTimeout(timer);
    timer = setTimeout(onChange, QUIET_MS);
  });
  await new Promise<void>((resolve) => watcher.once('ready', () => resolve()));
  return async () => {
    clearTimeout(timer);
    await watcher.close();
  };
}

/**
 * Whether `path` is ignored below every watched folder that contains it. An application in `dist` is watched, although
 * `dist` below the working folder is not.
 */
function isIgnored(path: string, folders: readonly string[]): boolean {
  return folders.every((folder) => {
    const below = relative(folder, path).split(sep);
    return below[0] === '..' || below.some((name) => IGNORED.has(name));
  });
}
