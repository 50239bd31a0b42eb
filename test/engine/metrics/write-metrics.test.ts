import type { MetricFamily } from '@brokkr/core/metrics';
import { mergeMetrics, writeMetrics } from '@brokkr/core/metrics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMetrics } from '../../support/parse-metrics.ts';
import { promtool } from '../../support/promtool.ts';

const hostile = ['a"b', 'back\\slash', 'line\nbreak', '\\n', '__proto__', '}', '{x="y"}', ' ', '# EOF', 'ü😀', ''];

function counterOf(labels: readonly string[]): MetricFamily {
  const samples = labels.map((error, value) => ({ labels: [['error', error]] as const, value }));
  return { name: 'brokkr_x_total', help: 'Help with \\ and\na line "break".', type: 'counter', across: 'sum', samples };
}

const HISTOGRAM: MetricFamily = {
  name: 'brokkr_y_seconds',
  help: 'Durations.',
  type: 'histogram',
  bounds: [0.5, 1],
  samples: [
    {
      labels: [['queue', 'q']],
      counts: [1, 0, 2],
      sumSeconds: 7.25,
      exemplars: [{ traceId: 'f'.repeat(32), ms: 100, at: 1_700_000_000_123 }],
    },
  ],
};

describe('the text for Prometheus', () => {
  it('gives back every label value, whatever its characters', () => {
    for (const format of ['text', 'openmetrics'] as const) {
      const parsed = parseMetrics(writeMetrics([counterOf(hostile)], format), format);
      expect(parsed.samples.map(({ labels }) => labels.error)).toEqual(hostile);
      expect(parsed.samples.map(({ value }) => value)).toEqual(hostile.map((_, index) => index));
    }
  });

  it('gives back any label value, by random', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: 'binary' })), (values) => {
        const parsed = parseMetrics(writeMetrics([counterOf(values)]));
        expect(parsed.samples.map(({ labels }) => labels.error)).toEqual(values);
      }),
    );
  });

  it('is accepted by promtool with hostile labels and histograms', () => {
    expect(promtool(['check', 'metrics'], writeMetrics([counterOf(hostile), HISTOGRAM]))).toEqual({
      code: 0,
      output: '',
    });
  });

  it('writes cumulative buckets, and exemplars only in OpenMetrics', () => {
    expect(writeMetrics([HISTOGRAM])).toBe(`# HELP brokkr_y_seconds Durations.
# TYPE brokkr_y_seconds histogram
brokkr_y_seconds_bucket{queue="q",le="0.5"} 1
brokkr_y_seconds_bucket{queue="q",le="1"} 1
brokkr_y_seconds_bucket{queue="q",le="+Inf"} 3
brokkr_y_seconds_sum{queue="q"} 7.25
brokkr_y_seconds_count{queue="q"} 3
`);
    const openmetrics = writeMetrics([HISTOGRAM], 'openmetrics');
    expect(openmetrics).toContain('le="1.0"} 1\n');
    const [first, second] = parseMetrics(openmetrics, 'openmetrics').samples;
    expect(first?.exemplar).toEqual({ labels: { trace_id: 'f'.repeat(32) }, value: 0.1 });
    expect(second?.exemplar).toBeUndefined();
  });

  it('names a counter without _total in OpenMetrics, and ends with # EOF', () => {
    expect(writeMetrics([counterOf(['a'])], 'openmetrics')).toBe(
      '# HELP brokkr_x Help with \\\\ and\\na line \\"break\\".\n# TYPE brokkr_x counter\nbrokkr_x_total{error="a"} 0\n# EOF\n',
    );
  });

  it('leaves out a family without samples', () => {
    expect(writeMetrics([counterOf([])])).toBe('');
  });
});

describe('the metrics of several processes', () => {
  const gauge = (value: number, across: 'sum' | 'max' | 'min', labels: readonly (readonly [string, string])[] = []) =>
    [{ name: 'g', help: 'G.', type: 'gauge', across, samples: [{ labels, value }] }] as const;
  const gaugeIn = (families: readonly MetricFamily[]) => parseMetrics(writeMetrics(families)).value('g');

  it('are added, or their maximum or minimum, as each family says', () => {
    expect(gaugeIn(mergeMetrics([gauge(1, 'sum'), gauge(2, 'sum'), gauge(4, 'sum')]))).toBe(7);
    expect(gaugeIn(mergeMetrics([gauge(1, 'max'), gauge(4, 'max'), gauge(2, 'max')]))).toBe(4);
    expect(gaugeIn(mergeMetrics([gauge(1, 'min'), gauge(0, 'min'), gauge(2, 'min')]))).toBe(0);
  });

  it('keep series with different labels apart', () => {
    const merged = mergeMetrics([gauge(1, 'sum', [['a', 'x']]), gauge(2, 'sum', [['a', 'y']])]);
    expect(merged).toMatchObject([{ samples: [{ value: 1 }, { value: 2 }] }]);
  });

  it('add histograms by class, after a way through JSON, and keep the newest exemplar', () => {
    const newer = structuredClone(HISTOGRAM) as typeof HISTOGRAM & { samples: { exemplars: { at: number }[] }[] };
    (newer.samples[0]?.exemplars[0] as { at: number }).at += 1;
    const [merged] = mergeMetrics([[HISTOGRAM], [JSON.parse(JSON.stringify(newer)) as MetricFamily]]);
    expect(merged).toMatchObject({
      samples: [{ counts: [2, 0, 4], sumSeconds: 14.5, exemplars: [{ at: 1_700_000_000_124 }, undefined, undefined] }],
    });
  });
});
