import type { Reporter, TestCase, TestModule, TestRunEndReason, Vitest } from 'vitest/node';

/** Tests that wait for other processes: a machine that stands still for a moment may fail them. */
const MAY_RUN_TWICE = /\.(server|slow|faults)\.test\.ts$/;

/**
 * Ends the output with the one line that a machine reads: `N passed, N failed`. If `BROKKR_TESTED_BEFORE` holds such a
 * line of an earlier run, the line is the sum of both runs. Before it, the tests that passed at their second attempt are
 * named (`BROKKR_TEST_RETRIES`). A unit test that needs a second attempt counts as failed.
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
    const retried: string[] = [];
    for (const module of modules) {
      let tests = 0;
      for (const test of module.children.allTests()) {
        tests++;
        const { state } = test.result();
        if (state === 'passed' && isRetried(test)) retried.push(`${module.relativeModuleId} > ${test.fullName}`);
        if (state === 'passed' && (!isRetried(test) || MAY_RUN_TWICE.test(module.moduleId))) passed++;
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
    process.once('exit', () => {
      for (const name of retried) process.stdout.write(`\npassed at the second attempt: ${name}\n`);
      process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
    });
  }
}

function isRetried(test: TestCase): boolean {
  return (test.diagnostic()?.retryCount ?? 0) > 0;
}

/** A line that is not such a summary counts as one failure: a run that ended without a result must not pass. */
function testedBefore(line: string | undefined): { readonly passed: number; readonly failed: number } {
  if (line === undefined || line === '') return { passed: 0, failed: 0 };
  const [, passed, failed] = /^(\d+) passed, (\d+) failed$/.exec(line.trim()) ?? [];
  return passed === undefined ? { passed: 0, failed: 1 } : { passed: Number(passed), failed: Number(failed) };
}
