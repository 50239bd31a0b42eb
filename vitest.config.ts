import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

/** Tests that need a server of their own, or minutes: left out of `npm run test:unit`. */
const slow = ['**/*.server.test.ts', '**/*.slow.test.ts'];

export default defineConfig({
  ssr: { resolve: { conditions: ['@brokkr/source', ...defaultServerConditions] } },
  oxc: { decorator: { legacy: true } },
  test: {
    include: ['test/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'examples/*/test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', ...(process.env.BROKKR_TESTS === 'unit' ? slow : [])],
    globalSetup: ['./test/support/servers.ts'],
    reporters: ['default', './test/support/summary.ts'],
    pool: 'forks',
    testTimeout: 10_000,
    maxConcurrency: 8,
    typecheck: { enabled: false },
  },
});
