import type { Source } from './sources.ts';

/** A rule names what breaks it, a line each; nothing where all is well. */
export type Rule = (sources: readonly Source[]) => readonly string[];

/** Folders of the core from the bottom up: each may import those before it, and those of its own row. */
const LAYERS: readonly (readonly string[])[] = [
  ['clock', 'errors', 'logging', 'failpoints'],
  ['broker'],
  ['message'],
  ['task', 'retry'],
  ['middleware', 'result', 'control'],
  ['producer', 'worker'],
  ['metrics'],
  ['config', 'manager'],
];

/** What looks against the order, and why it may. */
const ALLOWED = new Map([['task/task-definition.ts → retry', 'a definition holds its policy; both are of one row']]);

function coreFolder(path: string): string | undefined {
  return /^packages\/core\/src\/([^/]+)\//.exec(path)?.[1];
}

function rowOf(folder: string): number {
  return LAYERS.findIndex((row) => row.includes(folder));
}

export const coreLayers: Rule = (sources) =>
  sources.flatMap(({ path, imports }) => {
    const from = coreFolder(path);
    if (from === undefined || rowOf(from) === -1) return [];
    return imports.flatMap((imported) => {
      const to = coreFolder(imported);
      if (to === undefined || to === from) return [];
      const down = rowOf(to) !== -1 && rowOf(to) <= rowOf(from);
      return down || ALLOWED.has(`${path.replace('packages/core/src/', '')} → ${to}`)
        ? []
        : [`${path} imports ${imported}`];
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

/** Adapters and tools know the core by its public entries, and not each other. */
/** Which package looks at another than the core, and why it may. */
const ALLOWED_PACKAGES = new Map([
  ['cli → @brokkr/scheduler', 'its types; the package itself is the one of the application, loaded when asked for'],
]);

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

/** The engine's time comes from its clock, or tests could not move it; the suite works on real time too. */
export const timeComesFromTheClock: Rule = (sources) =>
  sources
    .filter(
      ({ path }) => path.startsWith('packages/core/src/') && !['clock', 'testing'].includes(coreFolder(path) ?? ''),
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
