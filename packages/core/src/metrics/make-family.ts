import { DURATION_BOUNDS, type Durations } from '../worker/durations.ts';
import type { HistogramSample, Labels, MetricFamily, NumberSample } from './metric-family.ts';

/** The labels of an object, in the order of its keys. */
export function labelsOf(labels: Readonly<Record<string, string>>): Labels {
  return Object.entries(labels);
}

export function counter(name: string, help: string, samples: readonly NumberSample[]): MetricFamily {
  return { name, help, type: 'counter', across: 'sum', samples };
}

/** @param across how the values of several processes become one */
export function gauge(
  name: string,
  help: string,
  samples: readonly NumberSample[],
  across: 'sum' | 'max' | 'min' = 'sum',
): MetricFamily {
  return { name, help, type: 'gauge', across, samples };
}

/** A gauge without labels; without a sample if the value is not known. */
export function single(
  name: string,
  help: string,
  value: number | undefined,
  across: 'sum' | 'max' | 'min' = 'sum',
): MetricFamily {
  return gauge(name, help, value === undefined ? [] : [{ labels: [], value }], across);
}

export function histogram(name: string, help: string, samples: readonly HistogramSample[]): MetricFamily {
  return { name, help, type: 'histogram', bounds: DURATION_BOUNDS, samples };
}

export function histogramSample(labels: Labels, { counts, sumMs, exemplars }: Durations): HistogramSample {
  return { labels, counts: [...counts], sumSeconds: sumMs / 1_000, exemplars: [...exemplars] };
}
