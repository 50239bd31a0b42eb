import { afterAll, describe, expect, it } from 'vitest';
import type { Mutant } from './mutant.ts';
import { mutants } from './mutants.ts';
import { copyOfBuild, plant, removeCopies, verdict } from './planted-build.ts';

/** Mutants of the suite that a world of processes and networks must detect, too. */
const SHARED = [
  'a settlement needs no fence',
  'a release counts a crash',
  'a message that becomes due wakes no consumer',
  'a failed message is acknowledged',
  'a handler that ignores its abort keeps its slot',
  'suspects run together',
  'shutdown acknowledges interrupted messages',
  'the result of a refused settlement is stored',
];

/** Mutants that need a lost answer, or a process that waits. */
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
  {
    name: 'a run whose settlement got no answer is not counted',
    of: 'core',
    search: 'if (ranMs !== void 0) this.#count(held, "unknown", ranMs, error);',
    replace: '',
  },
  {
    name: 'a refused settlement is counted as if it had been accepted',
    of: 'core',
    search: 'if (isLost) this.leaseLost(held, report.ranMs, report.error);\n\t\telse if',
    replace: 'if',
  },
];

describe('the simulation detects mutants', () => {
  // Thousands of files, removed on a machine that may be busy.
  afterAll(removeCopies, 60_000);

  it('passes without a mutant', async () => {
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
