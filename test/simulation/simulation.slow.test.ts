import { expect, it } from 'vitest';
import { simulate } from './simulate.ts';

/**
 * `SIM_SEED` replays one world and prints its events; `SIM_FIRST` and `SIM_SEEDS` choose other worlds than the default
 * ones.
 */
const replayed = process.env.SIM_SEED;
const FIRST = Number(replayed ?? process.env.SIM_FIRST ?? 1);
const SEEDS = replayed === undefined ? Number(process.env.SIM_SEEDS ?? 2_000) : 1;
/** One of this many is run twice, and must have the same events. */
const CHECKED_EVERY = 20;

it(`${SEEDS} worlds from seed ${FIRST} keep every promise, and drain once they are healed`, async () => {
  const startedAt = performance.now();
  let events = 0;
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const report = await simulate(seed);
    events += report.events;
    if (seed % CHECKED_EVERY === 0 || replayed !== undefined)
      expect((await simulate(seed)).hash, `seed ${seed}, run again`).toBe(report.hash);
    if (replayed !== undefined) process.stdout.write(`${report.trace.join('\n')}\n`);
  }
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  process.stdout.write(`simulation: ${SEEDS} seeds, ${events} events, 0 violations, ${seconds} s\n`);
}, 3_600_000);
