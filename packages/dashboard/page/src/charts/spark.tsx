import { areaPath, linePath, type Point } from './path.ts';

const WIDTH = 88;
const HEIGHT = 22;

/** A small line of the last hour. Its figures are in the other columns, so it is hidden from screen readers. */
export function Spark({ values }: { values: readonly (number | null)[] }) {
  const largest = Math.max(0, ...values.map((value) => value ?? 0));
  const base = HEIGHT - 1.5;
  if (largest === 0) {
    return (
      <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
        <line class="flat" x1="0" x2={WIDTH} y1={base} y2={base} />
      </svg>
    );
  }
  const step = (WIDTH - 4) / Math.max(1, values.length - 1);
  const points = values.map(
    (value, index): Point => (value === null ? undefined : [index * step + 1, base - (value / largest) * (HEIGHT - 5)]),
  );
  const last = points.findLast((point) => point !== undefined);
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <path class="ar" d={areaPath(points, base)} />
      <path class="ln" d={linePath(points)} />
      {last === undefined ? null : <circle cx={last[0]} cy={last[1]} r="1.9" />}
    </svg>
  );
}

/** Busy slots as a bar. */
export function SlotsBar({ busy, slots }: { busy: number; slots: number }) {
  const width = slots === 0 ? 0 : Math.min(1, busy / slots) * 44;
  return (
    <svg class="slots" viewBox="0 0 44 4" aria-hidden="true">
      <rect class="bg" width="44" height="4" rx="2" />
      {width === 0 ? null : <rect class="on" width={width} height="4" rx="2" />}
    </svg>
  );
}
