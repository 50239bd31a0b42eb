import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node';

/** Ends the output with the one line that a machine reads: `N passed, N failed`. */
export default class Summary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[], reason: TestRunEndReason): void {
    let passed = 0;
    let failed = unhandled.length;
    for (const module of modules) {
      let tests = 0;
      for (const test of module.children.allTests()) {
        tests++;
        if (test.result().state === 'passed') passed++;
        else failed++;
      }
      // A file that cannot be loaded, or a suite whose hook fails, has no failed test to show for it.
      if (!module.ok() && (tests === 0 || module.errors().length > 0)) failed++;
    }
    if (passed + failed === 0 || (failed === 0 && reason === 'failed')) failed++;
    if (failed > 0) process.exitCode = 1;
    // After everything the other reporters still write when they hear of the end.
    process.once('exit', () => process.stdout.write(`\n${passed} passed, ${failed} failed\n`));
  }
}
