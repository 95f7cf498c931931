import { defineConfig } from 'vitest/config';

/** Soaks and long differential runs: hours at most, run by hand before an issue is closed. */
export default defineConfig({
  test: {
    name: 'long',
    include: ['tests/{unit,differential}/**/*.long.test.ts'],
    environment: 'node',
    fileParallelism: false,
    testTimeout: 4 * 3_600_000,
    hookTimeout: 600_000,
    reporters: ['verbose', 'json'],
    outputFile: { json: 'out/test-results-long.json' },
  },
});
