import type { Exemplar } from '../worker/durations.ts';

export type Labels = readonly (readonly [name: string, value: string])[];

/** One value of a counter or gauge. */
export interface NumberSample {
  readonly labels: Labels;
  readonly value: number;
}

/** One histogram: a count for each bound of `bounds`, and one more. Not cumulative. */
export interface HistogramSample {
  readonly labels: Labels;
  readonly counts: readonly number[];
  readonly sumSeconds: number;
  /** By class; empty or with holes if messages have no trace. */
  readonly exemplars: readonly (Exemplar | null | undefined)[];
}

interface Named {
  readonly name: string;
  readonly help: string;
}

/** All series of one metric name. It is plain data, so that processes can send it to each other. */
export type MetricFamily =
  | (Named & {
      readonly type: 'counter' | 'gauge';
      /** How the values of several processes become one. */
      readonly across: 'sum' | 'max' | 'min';
      readonly samples: readonly NumberSample[];
    })
  | (Named & {
      readonly type: 'histogram';
      /** Seconds. */
      readonly bounds: readonly number[];
      readonly samples: readonly HistogramSample[];
    });
