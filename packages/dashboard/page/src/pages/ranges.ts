/** Spans of time that charts show, in minutes. */
export const RANGES = [
  ['10', 'Last 10 min'],
  ['30', 'Last 30 min'],
  ['60', 'Last hour'],
] as const;
