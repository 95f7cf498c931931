import { defineConfig } from 'vitest/config';

const limits = { testTimeout: 4 * 3_600_000, hookTimeout: 600_000 };

/** Soaks and long differential runs: hours at most, run by hand before an issue is closed. */
export default defineConfig({
  test: {
    fileParallelism: false,
    projects: [
      {
        test: {
          name: 'long',
          include: ['tests/{unit,differential}/**/*.long.test.ts'],
          environment: 'node',
          globalSetup: ['tests/support/build-host-entries.ts'],
          ...limits,
        },
      },
      {
        test: {
          name: 'long-e2e',
          include: ['tests/e2e/**/*.long.test.ts'],
          environment: 'node',
          pool: 'forks',
          globalSetup: ['tests/e2e/build.ts'],
          ...limits,
        },
      },
    ],
    reporters: ['verbose', 'json'],
    outputFile: { json: 'out/test-results-long.json' },
  },
});
