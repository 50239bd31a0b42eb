import type { Reporter, TestModule, TestRunEndReason, Vitest } from 'vitest/node';

/**
 * Ends the output with the one line that a machine reads: `N passed, N failed`. If `BROKKR_TESTED_BEFORE` holds such a
 * line of an earlier run, the line is the sum of both runs.
 */
export default class Summary implements Reporter {
  #isFiltered = false;

  onInit({ config }: Vitest): void {
    this.#isFiltered = config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[], reason: TestRunEndReason): void {
    const before = testedBefore(process.env.BROKKR_TESTED_BEFORE);
    let passed = 0;
    let failed = unhandled.length;
    for (const module of modules) {
      let tests = 0;
      for (const test of module.children.allTests()) {
        tests++;
        const { state } = test.result();
        if (state === 'passed') passed++;
        // A skipped test counts as failed, unless the names that `-t` leaves out are skipped.
        else if (state !== 'skipped' || !this.#isFiltered) failed++;
      }
      // A file that cannot be loaded, or a suite whose hook fails, has no failed test to count.
      if (!module.ok() && (tests === 0 || module.errors().length > 0)) failed++;
    }
    if (passed + failed === 0 || (failed === 0 && reason === 'failed')) failed++;
    passed += before.passed;
    failed += before.failed;
    if (failed > 0) process.exitCode = 1;
    // The other reporters also write at the end of the run: this line comes after theirs.
    process.once('exit', () => process.stdout.write(`\n${passed} passed, ${failed} failed\n`));
  }
}

/** A line that is not such a summary counts as one failure: a run that ended without a result must not pass. */
function testedBefore(line: string | undefined): { readonly passed: number; readonly failed: number } {
  if (line === undefined || line === '') return { passed: 0, failed: 0 };
  const [, passed, failed] = /^(\d+) passed, (\d+) failed$/.exec(line.trim()) ?? [];
  return passed === undefined ? { passed: 0, failed: 1 } : { passed: Number(passed), failed: Number(failed) };
}
