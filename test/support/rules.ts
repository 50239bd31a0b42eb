import type { Source } from './sources.ts';

/** A rule returns a line for each violation. */
export type Rule = (sources: readonly Source[]) => readonly string[];

/** Folders of the core from the bottom up. Each may import those before it, and those of its own row. */
const LAYERS: readonly (readonly string[])[] = [
  ['clock', 'errors', 'logging', 'failpoints', 'event-loop'],
  ['broker'],
  ['message', 'collapse'],
  ['limits'],
  ['task', 'retry', 'versions'],
  ['middleware', 'result', 'control', 'steps', 'batches'],
  ['producer', 'worker'],
  ['metrics'],
  ['config', 'manager'],
  // Public entries.
  ['adapter', 'inversify', 'testing'],
];

function coreFolder(path: string): string | undefined {
  return /^packages\/core\/src\/([^/]+)\//.exec(path)?.[1];
}

function rowOf(folder: string): number {
  return LAYERS.findIndex((row) => row.includes(folder));
}

export const coreLayers: Rule = (sources) =>
  sources.flatMap(({ path, imports }) => {
    const from = coreFolder(path);
    if (from === undefined) return [];
    if (rowOf(from) === -1) return [`${path} is in a folder that has no row in LAYERS`];
    return imports.flatMap((imported) => {
      const to = coreFolder(imported);
      return to === undefined || rowOf(to) <= rowOf(from) ? [] : [`${path} imports ${imported}`];
    });
  });

export const brokerStandsOnErrors: Rule = (sources) =>
  sources
    .filter(({ path }) => coreFolder(path) === 'broker')
    .flatMap(({ path, imports }) =>
      imports
        .filter((imported) => !['broker', 'errors'].includes(coreFolder(imported) ?? ''))
        .map((imported) => `${path} imports ${imported}`),
    );

export const noCycles: Rule = (sources) => {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      found.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
      return;
    }
    if (done.has(path)) return;
    for (const imported of byPath.get(path)?.imports ?? []) if (byPath.has(imported)) visit(imported, [...trail, path]);
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
  return found;
};

/** Packages that import another one than the core, and why they may. */
const ALLOWED_PACKAGES = new Map([
  ['cli → @brokkr/scheduler', 'its types; the package itself is the one of the application, loaded when asked for'],
  ['cli → @brokkr/dashboard', 'the server and the page of brokkr dashboard, loaded when asked for'],
]);

/** Adapters and tools import the core by its public entries, and not each other. */
export const packagesKeepApart: Rule = (sources) =>
  sources.flatMap(({ path, imports }) => {
    const own = /^packages\/([^/]+)\//.exec(path)?.[1];
    return imports
      .filter((imported) => {
        if (imported.startsWith('packages/')) return !imported.startsWith(`packages/${own}/`);
        if (!imported.startsWith('@brokkr/')) return false;
        if (ALLOWED_PACKAGES.has(`${own} → ${imported}`)) return false;
        return (
          own === 'core' || !/^@brokkr\/core(\/testing|\/inversify|\/failpoints|\/adapter|\/metrics)?$/.test(imported)
        );
      })
      .map((imported) => `${path} imports ${imported}`);
  });

/** Broker authors need nothing but `@brokkr/core/adapter`: our adapters prove it. Their test helpers are for applications. */
export const adaptersUseTheAdapterEntry: Rule = (sources) =>
  sources
    .filter(({ path }) => /^packages\/broker-[^/]+\/src\/(?!testing\/)/.test(path))
    .flatMap(({ path, imports }) =>
      imports
        .filter((imported) => /^@brokkr\/core(?!\/(adapter|failpoints)$)/.test(imported))
        .map((imported) => `${path} imports ${imported}`),
    );

/** The folders of a package import each other in one direction only. */
export const foldersHaveNoCycles: Rule = (sources) => {
  const folders = new Map<string, Source>();
  for (const { path, imports } of sources) {
    const from = folderOf(path);
    const known = folders.get(from)?.imports ?? [];
    const others = imports.map(folderOf).filter((to) => to !== from);
    folders.set(from, { path: from, text: '', imports: [...known, ...others] });
  }
  return noCycles([...folders.values()]);
};

/** The folder below `src` in which a file is; a file of `src` itself stands alone. */
function folderOf(path: string): string {
  return /^packages\/[^/]+\/src\/[^/]+/.exec(path)?.[0] ?? path;
}

export const onlyConfigReadsTheEnvironment: Rule = (sources) =>
  sources
    .filter(
      ({ path, text }) =>
        /process\.env\b/.test(text) &&
        !['config', 'failpoints'].includes(coreFolder(path) ?? '') &&
        !path.startsWith('packages/cli/'),
    )
    .map(({ path }) => `${path} reads process.env`);

/** Only the command line writes to the screen. Examples in docstrings are not code. */
export const onlyTheCliPrints: Rule = (sources) =>
  sources
    .filter(
      ({ path, text }) =>
        /\bconsole\.|process\.(stdout|stderr)\.write/.test(text.replaceAll(/\/\*\*.*?\*\//gs, '')) &&
        !path.startsWith('packages/cli/'),
    )
    .map(({ path }) => `${path} prints`);

/** The engine gets its time from its clock, so that tests can move it. The suite also runs in real time. */
export const timeComesFromTheClock: Rule = (sources) =>
  sources
    .filter(
      ({ path }) =>
        path.startsWith('packages/core/src/') && !['clock', 'event-loop', 'testing'].includes(coreFolder(path) ?? ''),
    )
    .filter(({ text }) => /\bDate\.now\(|(?<![.#\w])set(Timeout|Interval)\(|performance\.now\(/.test(text))
    .map(({ path }) => `${path} takes its time past the clock`);

export const filesAreShort: Rule = (sources) =>
  sources.flatMap(({ path, text }) => {
    const lines = text.split('\n').length - 1;
    return lines > 300 ? [`${path} has ${lines} lines`] : [];
  });

export const optionalPeersStayOptional: Rule = (sources) =>
  sources
    .filter(({ path }) => path.startsWith('packages/core/src/'))
    .flatMap(({ path, imports }) =>
      imports
        .filter(
          (imported) =>
            (imported === 'inversify' && coreFolder(path) !== 'inversify') ||
            (imported === 'fast-check' && coreFolder(path) !== 'testing'),
        )
        .map((imported) => `${path} imports ${imported}`),
    );
