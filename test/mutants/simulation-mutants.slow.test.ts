import { afterAll, describe, expect, it } from 'vitest';
import { type Mutant, mutants } from './mutants.ts';
import { copyOfBuild, plant, removeCopies, verdict } from './planted-build.ts';

/** Faults of the suite's that a world of processes and networks has to notice too. */
const SHARED = [
  'a settlement needs no fence',
  'a release counts a crash',
  'what falls due rings no bell',
  'acknowledged although it failed',
  'a handler that ignores its abort is never given up',
  'suspects run in company',
  'shutdown acknowledges what it interrupts',
  'the result of a refused settlement is stored',
];

/** Faults that need a lost answer, or a process that waits, to show. */
const own: readonly Mutant[] = [
  {
    name: 'what is gone when it is settled again is called lost',
    of: 'core',
    search: 'if (isLost && failure !== void 0)',
    replace: 'if (false)',
  },
  {
    name: 'a renewal that comes after the settlement calls it lost',
    of: 'core',
    search: 'if (held.isSettling)',
    replace: 'if (false)',
  },
  {
    name: 'a result comes before its settlement',
    of: 'core',
    search: 'held.result = result;',
    replace: 'if (result !== void 0) this.#storeResult(held, result, true);',
  },
];

describe('the simulation finds deliberate faults', () => {
  // Thousands of files, removed on a machine that may be busy.
  afterAll(removeCopies, 60_000);

  it('is green without one', async () => {
    expect(await verdict(copyOfBuild(), 'run-simulation.mjs')).toMatch(/^green/);
  }, 60_000);

  const shared = mutants.filter(({ name }) => SHARED.includes(name));
  it.each([...shared, ...own])(
    '$name',
    async (mutant: Mutant) => {
      const folder = copyOfBuild();
      plant(mutant, folder);
      expect(await verdict(folder, 'run-simulation.mjs')).toMatch(/^red: seed/);
    },
    120_000,
  );
});
