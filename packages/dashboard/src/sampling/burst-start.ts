/** A longer time without a death ends a burst. */
const PAUSE_MS = 120_000;

/**
 * When the last burst began: the last run of deaths, without a pause of two minutes, that has as many as a burst. If no
 * run has so many, the first death is its begin.
 *
 * @param deaths oldest first, at least one
 * @param least deaths that are a burst
 */
export function burstStart(
  deaths: readonly { readonly at: number; readonly count: number }[],
  least: number,
): number | undefined {
  let start = deaths[0]?.at;
  let run = { start: 0, last: Number.NEGATIVE_INFINITY, count: 0 };
  for (const { at, count } of deaths) {
    const isSame = at - run.last < PAUSE_MS;
    run = { start: isSame ? run.start : at, last: at, count: (isSame ? run.count : 0) + count };
    if (run.count >= least) start = run.start;
  }
  return start;
}
