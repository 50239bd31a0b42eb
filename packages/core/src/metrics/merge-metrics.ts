import type { HistogramSample, Labels, MetricFamily, NumberSample } from './metric-family.ts';

/** The metrics of several processes as those of one: counters and histograms are added, gauges as each family says. */
export function mergeMetrics(processes: readonly (readonly MetricFamily[])[]): readonly MetricFamily[] {
  const merged = new Map<string, MetricFamily>();
  for (const families of processes) {
    for (const family of families) {
      const known = merged.get(family.name);
      merged.set(family.name, known === undefined ? family : mergeTwo(known, family));
    }
  }
  return [...merged.values()];
}

function mergeTwo(one: MetricFamily, other: MetricFamily): MetricFamily {
  if (one.type === 'histogram' && other.type === 'histogram') {
    return { ...one, samples: mergeSamples(one.samples, other.samples, addHistograms) };
  }
  // Processes of one supervisor run the same code: a name has one type.
  if (one.type === 'histogram' || other.type === 'histogram') return one;
  const combine = COMBINE[one.across];
  const add = (first: NumberSample, second: NumberSample) => ({
    ...first,
    value: combine(first.value, second.value),
  });
  return { ...one, samples: mergeSamples(one.samples, other.samples, add) };
}

const COMBINE = {
  sum: (one: number, other: number) => one + other,
  max: Math.max,
  min: Math.min,
} as const;

function addHistograms(one: HistogramSample, other: HistogramSample): HistogramSample {
  return {
    labels: one.labels,
    counts: one.counts.map((count, index) => count + (other.counts[index] ?? 0)),
    sumSeconds: one.sumSeconds + other.sumSeconds,
    exemplars: one.counts.map((_, index) => {
      const [mine, theirs] = [one.exemplars[index], other.exemplars[index]];
      return (mine?.at ?? -1) >= (theirs?.at ?? -1) ? mine : theirs;
    }),
  };
}

function mergeSamples<S extends { readonly labels: Labels }>(
  ones: readonly S[],
  others: readonly S[],
  add: (one: S, other: S) => S,
): readonly S[] {
  const samples = new Map(ones.map((sample) => [keyOf(sample), sample]));
  for (const other of others) {
    const key = keyOf(other);
    const one = samples.get(key);
    samples.set(key, one === undefined ? other : add(one, other));
  }
  return [...samples.values()];
}

function keyOf({ labels }: { readonly labels: Labels }): string {
  return JSON.stringify(labels);
}
