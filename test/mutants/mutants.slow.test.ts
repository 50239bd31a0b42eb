import { afterAll, describe, expect, it } from 'vitest';
import type { Mutant } from './mutant.ts';
import { mutants } from './mutants.ts';
import { copyOfBuild, plant, removeCopies, verdict } from './planted-build.ts';

describe('the conformance suite detects mutants', () => {
  // Thousands of files, removed on a machine that may be busy.
  afterAll(removeCopies, 60_000);

  it('passes without a mutant', async () => {
    expect(await verdict(copyOfBuild(), 'run-suite.mjs')).toMatch(/^green/);
  }, 60_000);

  it.each(mutants)(
    '$name',
    async (mutant: Mutant) => {
      const folder = copyOfBuild();
      plant(mutant, folder);
      expect(await verdict(folder, 'run-suite.mjs')).toMatch(/^red/);
    },
    120_000,
  );
});
