import { duration } from '../text/duration.ts';

const WIDTH = 128;
const HEIGHT = 20;
const TALLEST = HEIGHT - 3;
const LEAST = 2;

/** When the letters of a group died, as small bars. Its figures are in the row, so it is hidden from screen readers. */
export function DeathBars({ values }: { values: readonly number[] }) {
  const largest = Math.max(1, ...values);
  const step = WIDTH / Math.max(1, values.length);
  return (
    <svg class="bars" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <line class="g base" x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
      {values.map((value, index) => {
        if (value === 0) return null;
        const height = Math.max(LEAST, (value / largest) * TALLEST);
        return (
          <rect
            key={index}
            class="br dead"
            x={index * step + 0.6}
            y={HEIGHT - 1 - height}
            width={step - 1.2}
            height={height}
          />
        );
      })}
    </svg>
  );
}

/** The time that the bars show: `the last hour`, `the last 7 days`. */
export function barsRange({ barMs, deaths }: { readonly barMs: number; readonly deaths: number }): string {
  const range = barMs * deaths;
  return range === 3_600_000 ? 'the last hour' : `the last ${duration(range)}`;
}
