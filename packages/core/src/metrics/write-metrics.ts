import type { Exemplar } from '../worker/durations.ts';
import type { HistogramSample, Labels, MetricFamily } from './metric-family.ts';

/** `text`: Prometheus text format 0.0.4. `openmetrics`: OpenMetrics 1.0.0, which has exemplars. */
export type MetricsFormat = 'text' | 'openmetrics';

export const CONTENT_TYPES: Readonly<Record<MetricsFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

const TOTAL = '_total';

/** Writes metrics as text for Prometheus. Families without a sample are left out. */
export function writeMetrics(families: readonly MetricFamily[], format: MetricsFormat = 'text'): string {
  const lines: string[] = [];
  for (const family of families) {
    if (family.samples.length === 0) continue;
    // OpenMetrics names a counter without the suffix of its samples.
    const name = format === 'openmetrics' && family.type === 'counter' ? withoutTotal(family.name) : family.name;
    lines.push(`# HELP ${name} ${escaped(family.help, format === 'openmetrics')}`, `# TYPE ${name} ${family.type}`);
    if (family.type === 'histogram') {
      for (const sample of family.samples) lines.push(...histogramLines(family.name, family.bounds, sample, format));
    } else {
      for (const { labels, value } of family.samples) lines.push(`${family.name}${labelText(labels)} ${value}`);
    }
  }
  if (format === 'openmetrics') lines.push('# EOF');
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function* histogramLines(
  name: string,
  bounds: readonly number[],
  { labels, counts, sumSeconds, exemplars }: HistogramSample,
  format: MetricsFormat,
): Iterable<string> {
  let below = 0;
  for (const [index, count] of counts.entries()) {
    below += count;
    const bound = bounds[index];
    const le = bound === undefined ? '+Inf' : boundText(bound, format);
    const exemplar = format === 'openmetrics' ? exemplarText(exemplars[index]) : '';
    yield `${name}_bucket${labelText([...labels, ['le', le]])} ${below}${exemplar}`;
  }
  yield `${name}_sum${labelText(labels)} ${sumSeconds}`;
  yield `${name}_count${labelText(labels)} ${below}`;
}

function exemplarText(exemplar: Exemplar | null | undefined): string {
  if (exemplar === null || exemplar === undefined) return '';
  const { traceId, ms, at } = exemplar;
  return ` # ${labelText([['trace_id', traceId]])} ${ms / 1_000} ${at / 1_000}`;
}

/** OpenMetrics writes bounds as floating-point numbers: `1.0`. */
function boundText(bound: number, format: MetricsFormat): string {
  return format === 'openmetrics' && Number.isInteger(bound) ? `${bound}.0` : String(bound);
}

function labelText(labels: Labels): string {
  if (labels.length === 0) return '';
  return `{${labels.map(([name, value]) => `${name}="${escaped(value, true)}"`).join(',')}}`;
}

function escaped(text: string, quotes: boolean): string {
  const lines = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return quotes ? lines.replaceAll('"', '\\"') : lines;
}

function withoutTotal(name: string): string {
  return name.endsWith(TOTAL) ? name.slice(0, -TOTAL.length) : name;
}
