const counts = new Intl.NumberFormat('en-US');

/** `18204` → `18,204`. */
export function count(value: number): string {
  return counts.format(value);
}

/** A rate: one decimal below 10, none above. `0.04` → `<0.1`. */
export function rate(value: number): string {
  if (value <= 0) return '0';
  if (value < 0.1) return '<0.1';
  return value < 10 ? String(Number(value.toFixed(1))) : count(Math.round(value));
}

/** A share of 0 to 1 in percent, with one decimal: `0.184` → `18.4`. */
export function percent(share: number): string {
  return share > 0 && share < 0.0005 ? '<0.1' : (share * 100).toFixed(1);
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `432013312` → `412 MiB`. */
export function bytes(value: number): string {
  let size = value;
  let unit = 0;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
}

/** `plural(1, 'worker')` → `1 worker`; `plural(2, 'worker')` → `2 workers`. */
export function plural(value: number, noun: string, many = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : many}`;
}
