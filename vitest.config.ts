import { availableParallelism } from 'node:os';
import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

/** Tests that need a server of their own, or minutes: left out of `npm run test:unit`. */
const slow = ['**/*.server.test.ts', '**/*.slow.test.ts'];

/** `npm run test:unit` and `npm run test:faults` set it; unset, everything but the faults runs. */
const which = process.env.BROKKR_TESTS;
const faults = ['**/*.faults.test.ts'];
const excluded = which === 'unit' ? [...slow, ...faults] : which === 'faults' ? [] : faults;

export default defineConfig({
  // Packages of others are loaded by Node, which does not know the condition `module`.
  ssr: {
    resolve: { conditions: ['@brokkr/source', ...defaultServerConditions.filter((name) => name !== 'module')] },
  },
  oxc: { decorator: { legacy: true } },
  test: {
    include:
      which === 'faults'
        ? ['test/faults/*.faults.test.ts']
        : ['test/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'examples/*/test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', ...excluded],
    globalSetup: ['./test/support/servers.ts'],
    setupFiles: ['./test/support/no-faked-timers.ts'],
    reporters: ['default', './test/support/summary.ts'],
    pool: 'forks',
    // Unit tests share processes, and with them the modules: loading those anew for each file took half of the time.
    ...(which === 'unit' && { isolate: false, maxWorkers: '100%' }),
    // Tests of servers mostly wait: one worker leaves two thirds of a machine with two cores idle.
    ...(which === undefined && { maxWorkers: Math.max(2, availableParallelism() - 1) }),
    // `rabbitmqctl` alone takes seconds on a machine whose cores are busy.
    testTimeout: which === 'unit' ? 10_000 : 30_000,
    hookTimeout: which === 'unit' ? 10_000 : 60_000,
    // `.ci/run` gives tests of servers a second attempt; the summary names those that needed it.
    retry: Number(process.env.BROKKR_TEST_RETRIES ?? 0),
    // The default, a second, is less than a server or a process takes at times when the machine is busy.
    expect: { poll: { timeout: which === 'unit' ? 5_000 : 10_000 } },
    maxConcurrency: 8,
    typecheck: { enabled: false },
  },
});
