import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vitest/config';

/** Long runs (soaks, millions of instructions) are named `*.long.test.ts` and run by `npm run test:long` only. */
const long = 'tests/**/*.long.test.ts';

/** How long tests of the window wait for a state: it may take long when other work has the cores. */
const patience = { poll: { timeout: 15_000 } };

/** Tests that give machines pool threads or processes of their own. */
const withEntries = { globalSetup: ['tests/support/build-host-entries.ts'] };

export default defineConfig({
  test: {
    // A file on each core, but for the windows, which come after all others and one at a time.
    maxWorkers: '100%',
    reporters: ['default', 'json'],
    outputFile: { json: 'out/test-results.json' },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['tests/unit/**/*.test.ts'],
          exclude: [long],
          environment: 'node',
          ...withEntries,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // What is said of the engine, and of what can come into a program between two instructions, must hold for
        // translated code too.
        test: {
          name: 'translator',
          include: [
            'tests/unit/engine/**/*.test.ts',
            'tests/unit/{machine,family}.test.ts',
            'tests/unit/linux/{processes,signal-faults,signal-handlers}.test.ts',
            'tests/unit/multiprocess/{modes,workspace}.test.ts',
            'tests/unit/debug/{expression,pages}.test.ts',
          ],
          exclude: [
            long,
            'tests/unit/engine/{fuel-quanta,lockstep,strips,translated-table,wild-code}.test.ts',
          ],
          environment: 'node',
          env: { HARTSCOPE_ENGINE: 'translator' },
          ...withEntries,
          testTimeout: 300_000,
          hookTimeout: 60_000,
        },
      },
      {
        plugins: [vue()],
        test: {
          name: 'renderer',
          include: ['tests/renderer/**/*.test.ts'],
          environment: 'happy-dom',
          testTimeout: 30_000,
          expect: patience,
        },
      },
      {
        test: {
          name: 'differential',
          include: ['tests/differential/**/*.test.ts'],
          exclude: [long],
          environment: 'node',
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['tests/e2e/**/*.test.ts'],
          exclude: [long],
          environment: 'node',
          pool: 'forks',
          // One window at a time: the tests share one display and two cores.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          expect: patience,
          globalSetup: ['tests/e2e/build.ts'],
        },
      },
    ],
  },
});
