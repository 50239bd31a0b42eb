/** A span of time for people: `12 s`, `3.5 min`, `4.2 h`, `3.1 d`. */
export function span(ms: number): string {
  if (ms < 120_000) return `${Math.max(0, Math.round(ms / 1_000))} s`;
  if (ms < 7_200_000) return `${(ms / 60_000).toFixed(1)} min`;
  return ms < 172_800_000 ? `${(ms / 3_600_000).toFixed(1)} h` : `${(ms / 86_400_000).toFixed(1)} d`;
}

/** A moment, to the second, in UTC: `2026-11-28T10:00:00Z`. Empty if it is unknown or out of range. */
export function moment(epochMs: number | undefined): string {
  const date = new Date(epochMs ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? '' : `${date.toISOString().slice(0, 19)}Z`;
}
