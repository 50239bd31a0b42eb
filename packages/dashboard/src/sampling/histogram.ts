import { DURATION_BOUNDS } from '@brokkr/core/adapter';

/** Upper bounds of the classes in milliseconds. One more class holds longer durations. */
export const BOUNDS_MS: readonly number[] = DURATION_BOUNDS.map((seconds) => seconds * 1_000);

/** Numbers of durations by class, as workers report them. */
export type Classes = readonly number[];

export function emptyClasses(): number[] {
  return new Array<number>(BOUNDS_MS.length + 1).fill(0);
}

/** Adds `added` to `sum`; a list of another length is cut or counts as zeros. Numbers below 0 are left out. */
export function addClasses(sum: number[], added: Classes): void {
  for (let index = 0; index < sum.length; index++) {
    const more = added[index] ?? 0;
    if (more > 0) sum[index] = (sum[index] ?? 0) + more;
  }
}

/**
 * The duration that `share` of the counted ones do not exceed, milliseconds. Within a class durations count as evenly
 * spread; above the last bound, the bound is returned.
 *
 * @param share 0 to 1
 * @returns `undefined` if nothing was counted
 */
export function percentile(counts: Classes, share: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  const wanted = total * share;
  let below = 0;
  for (const [index, count] of counts.entries()) {
    if (count > 0 && below + count >= wanted) {
      const from = BOUNDS_MS[index - 1] ?? 0;
      const to = BOUNDS_MS[index] ?? from;
      return Math.round((from + (to - from) * ((wanted - below) / count)) * 10) / 10;
    }
    below += count;
  }
  return BOUNDS_MS.at(-1);
}
