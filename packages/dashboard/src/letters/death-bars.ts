const HOUR_MS = 3_600_000;
/** Times that the bars may show, shortest first. */
const RANGES_MS = [1, 6, 24, 7 * 24, 30 * 24].map((hours) => hours * HOUR_MS);
const BARS = 20;
/** Share of the deaths that the bars show at least: a few old letters do not squeeze the others into one bar. */
const MOST_OF_THEM = 0.8;

/** The time of one bar: the bars show the shortest time before `at` in which most of the deaths are. */
export function barMsOf(deaths: readonly number[], at: number): number {
  const range = RANGES_MS.find(
    (ms) => deaths.filter((death) => death > at - ms).length >= deaths.length * MOST_OF_THEM,
  );
  return (range ?? (RANGES_MS.at(-1) as number)) / BARS;
}

/** Numbers of deaths by their time, oldest first. The last bar ends at `at`. Older deaths are left out. */
export function deathBars(deaths: readonly number[], { barMs, at }: { readonly barMs: number; readonly at: number }) {
  const bars = new Array<number>(BARS).fill(0);
  for (const death of deaths) {
    // A death by the clock of a worker may be later than ours.
    const index = BARS - 1 - Math.max(0, Math.floor((at - death) / barMs));
    if (index >= 0) bars[index] = (bars[index] as number) + 1;
  }
  return bars;
}
