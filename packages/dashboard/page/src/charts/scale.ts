/** Places values on an axis of pixels; `ticks` are the values with a label. */
export interface Scale {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

/**
 * From 0 to a round number above the largest value.
 *
 * @param least what the axis reaches at least: half a message is no tick
 */
export function linear(highest: number, from: number, to: number, least = 1e-9): Scale {
  const largest = Math.max(highest, least);
  const step = Math.max(roundStep(largest / 3), least / 3);
  const top = Math.max(step, Math.ceil(largest / step - 1e-9) * step);
  const ticks = Array.from({ length: Math.round(top / step) }, (_, index) =>
    Number(((index + 1) * step).toPrecision(12)),
  );
  return { place: (value) => from + ((to - from) * value) / top, ticks };
}

/** 1, 2 or 5 times a power of ten. */
function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = rough / power;
  return (factor > 5 ? 10 : factor > 2 ? 5 : factor > 1 ? 2 : 1) * power;
}

/** Powers of ten around the values: latency on a linear axis hides all but the worst. */
export function logarithmic(smallest: number, largest: number, from: number, to: number): Scale {
  const low = Math.floor(Math.log10(Math.max(1, smallest)));
  const high = Math.max(low + 2, Math.ceil(Math.log10(Math.max(1, largest))));
  const ticks = Array.from({ length: high - low }, (_, index) => 10 ** (low + index + 1));
  const place = (value: number) => from + ((to - from) * (Math.log10(Math.max(value, 10 ** low)) - low)) / (high - low);
  return { place, ticks };
}
