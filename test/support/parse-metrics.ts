/** One series of an exposition. */
export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly exemplar?: { readonly labels: Readonly<Record<string, string>>; readonly value: number } | undefined;
}

export interface ParsedMetrics {
  readonly types: ReadonlyMap<string, string>;
  readonly samples: readonly ParsedSample[];
  /** The value of the series with these labels, and maybe others; the sum if there are several. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"/;
const NUMBER = /^(?:[+-]Inf|NaN|[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)/i;
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
};

/**
 * Parses an exposition as strictly as Prometheus does: every sample belongs to the family above it, no series comes twice,
 * and histograms are cumulative.
 *
 * @throws Error naming the line at fault
 */
export function parseMetrics(text: string, format: 'text' | 'openmetrics' = 'text'): ParsedMetrics {
  const types = new Map<string, string>();
  const samples: ParsedSample[] = [];
  const series = new Set<string>();
  let family: string | undefined;
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new Error('the last line has no end');
  if (format === 'openmetrics' && lines.pop() !== '# EOF') throw new Error('no # EOF');
  for (const line of lines) {
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment !== null) {
      const [, kind, name = '', rest = ''] = comment;
      if (kind === 'HELP') {
        if (types.has(name)) throw new Error(`family ${name} comes twice`);
        family = name;
      } else {
        if (family !== name) throw new Error(`TYPE of ${name} does not follow its HELP`);
        types.set(name, rest);
      }
      continue;
    }
    const sample = parseSample(line, format);
    const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
    if (series.has(key)) throw new Error(`series twice: ${line}`);
    series.add(key);
    if (family === undefined || !namesOf(family, types.get(family), format).includes(sample.name))
      throw new Error(`not of the family ${family}: ${line}`);
    samples.push(sample);
  }
  for (const [name, type] of types) if (type === 'histogram') checkHistogram(name, samples);
  return {
    types,
    samples,
    value(name, labels = {}) {
      const found = samples.filter(
        (each) => each.name === name && Object.entries(labels).every(([label, value]) => each.labels[label] === value),
      );
      return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
    },
  };
}

function namesOf(family: string, type: string | undefined, format: 'text' | 'openmetrics'): readonly string[] {
  if (type === 'counter' && format === 'openmetrics') return [`${family}_total`];
  return SUFFIXES[type ?? '']?.map((suffix) => `${family}${suffix}`) ?? [family];
}

function parseSample(line: string, format: 'text' | 'openmetrics'): ParsedSample {
  const name = NAME.exec(line)?.[0];
  if (name === undefined) throw new Error(`no metric name: ${line}`);
  const [labels, afterLabels] = parseLabels(line.slice(name.length), line);
  const value = NUMBER.exec(afterLabels.slice(1))?.[0];
  if (!afterLabels.startsWith(' ') || value === undefined) throw new Error(`no value: ${line}`);
  const rest = afterLabels.slice(1 + value.length);
  if (rest === '') return { name, labels, value: numberOf(value) };
  if (format === 'text' || !rest.startsWith(' # ')) throw new Error(`text after the value: ${line}`);
  const [exemplarLabels, exemplarRest] = parseLabels(rest.slice(3), line);
  const exemplarValue = NUMBER.exec(exemplarRest.slice(1))?.[0];
  if (exemplarValue === undefined || !/^ \S+ \d+(\.\d+)?$/.test(exemplarRest)) throw new Error(`bad exemplar: ${line}`);
  const length = Object.entries(exemplarLabels).flat().join('').length;
  if (length > 128) throw new Error(`labels of an exemplar over 128 characters: ${line}`);
  return { name, labels, value: numberOf(value), exemplar: { labels: exemplarLabels, value: Number(exemplarValue) } };
}

function parseLabels(text: string, line: string): readonly [Readonly<Record<string, string>>, string] {
  const entries: [string, string][] = [];
  if (!text.startsWith('{')) return [{}, text];
  let rest = text.slice(1);
  while (!rest.startsWith('}')) {
    const label = LABEL.exec(rest);
    if (label === null) throw new Error(`bad label: ${line}`);
    const [whole, name = '', value = ''] = label;
    entries.push([name, value.replaceAll(/\\([\\"n])/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped))]);
    rest = rest.slice(whole.length);
    if (rest.startsWith(',')) rest = rest.slice(1);
    else if (!rest.startsWith('}')) throw new Error(`bad labels: ${line}`);
  }
  return [Object.fromEntries(entries), rest.slice(1)];
}

function numberOf(text: string): number {
  return Number(text.replace(/Inf$/i, 'Infinity'));
}

function checkHistogram(name: string, samples: readonly ParsedSample[]): void {
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`);
  const byLabels = new Map<string, ParsedSample[]>();
  for (const bucket of buckets) {
    const { le: _, ...labels } = bucket.labels;
    const key = JSON.stringify(labels);
    byLabels.set(key, [...(byLabels.get(key) ?? []), bucket]);
  }
  for (const [key, group] of byLabels) {
    const bounds = group.map(({ labels }) => numberOf(labels.le ?? 'NaN'));
    const values = group.map(({ value }) => value);
    const steps = (numbers: readonly number[]) =>
      numbers.slice(1).map((number, index) => number - (numbers[index] ?? 0));
    if (!steps(bounds).every((step) => step > 0) || bounds.at(-1) !== Number.POSITIVE_INFINITY)
      throw new Error(`bounds of ${name}${key}: ${bounds}`);
    if (!steps(values).every((step) => step >= 0)) throw new Error(`${name}${key} is not cumulative: ${values}`);
    const labels = JSON.parse(key) as Readonly<Record<string, string>>;
    const count = samples.find(
      (sample) => sample.name === `${name}_count` && JSON.stringify(sample.labels) === JSON.stringify(labels),
    );
    if (count?.value !== values.at(-1)) throw new Error(`${name}_count${key} is ${count?.value}, not ${values.at(-1)}`);
  }
}
