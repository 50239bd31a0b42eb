/** Returns a generator of numbers from 0 to 1 that a seed determines (mulberry32), so that a run can be repeated. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns the seed of an environment variable, else a new one. */
export function seedOf(variable: string): number {
  const given = process.env[variable];
  return given === undefined || given === '' ? Date.now() % 2 ** 31 : Number(given);
}
