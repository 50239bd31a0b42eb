import { dirname } from 'node:path';

const IGNORED = /(^|[/\\])(node_modules|dist|\.git|\.turbo|coverage)([/\\]|$)/;
const SOURCES = /\.(ts|mts|cts|js|mjs|cjs|json)$|(^|[/\\])\.env$/;
/** Editors write a file in several steps, and several files at once. */
const QUIET_MS = 150;

/** Calls `onChange` when source files beside or below the application have changed; resolves with the way to end it. */
export async function watchSources(appPath: string, onChange: () => void): Promise<() => Promise<void>> {
  const { watch } = await import('chokidar');
  const watcher = watch([...new Set([dirname(appPath), process.cwd()])], {
    ignoreInitial: true,
    ignored: (path, stats) => IGNORED.test(path) || (stats?.isFile() === true && !SOURCES.test(path)),
  });
  let timer: NodeJS.Timeout | undefined;
  watcher.on('all', () => {
    clearTimeout(timer);
    timer = setTimeout(onChange, QUIET_MS);
  });
  await new Promise<void>((resolve) => watcher.once('ready', () => resolve()));
  return async () => {
    clearTimeout(timer);
    await watcher.close();
  };
}
