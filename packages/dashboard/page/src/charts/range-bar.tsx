const WIDTH = 200;
const LOW = 1; // 10 ms
const HIGH = 5; // 100 s

function place(ms: number): number {
  return Math.max(0, Math.min(WIDTH, (WIDTH * (Math.log10(Math.max(1, ms)) - LOW)) / (HIGH - LOW)));
}

/** p50, p95 and p99 on a log axis from 10 ms to 100 s. Its figures are in the other columns. */
export function RangeBar({
  p50,
  p95,
  p99,
}: {
  p50: number | undefined;
  p95: number | undefined;
  p99: number | undefined;
}) {
  return (
    <svg class="range" viewBox="0 0 200 18" aria-hidden="true">
      {[0, 50, 100, 150, 200].map((x) => (
        <line key={x} class="track" x1={x} x2={x} y1="0" y2="18" />
      ))}
      {p50 === undefined || p95 === undefined ? null : (
        <>
          <rect class="body95" x={place(p50)} y="6" width={Math.max(1, place(p95) - place(p50))} height="6" rx="1" />
          {p99 === undefined ? null : <line class="tail" x1={place(p95)} x2={place(p99)} y1="9" y2="9" />}
          <rect class="mid" x={place(p50) - 1} y="3" width="2" height="12" />
        </>
      )}
    </svg>
  );
}

/** The axis above the bars. */
export function RangeAxis() {
  return (
    <svg class="range" viewBox="0 0 200 18" role="img" aria-label="Run time, log scale from 10 ms to 100 s">
      <text class="ax" x="0" y="12">
        10 ms
      </text>
      <text class="ax m" x="100" y="12">
        1 s
      </text>
      <text class="ax r" x="200" y="12">
        100 s
      </text>
    </svg>
  );
}
