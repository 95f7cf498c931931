import { builtinModules } from 'node:module';
import { resolve } from 'node:path';
import { defineConfig } from 'vite';

/** Worker threads and processes that a machine starts. */
const STARTED = Object.fromEntries(
  ['pool-thread', 'workspace-owner', 'workspace-process'].map((name) => [
    name,
    `emulator/host/${name}.ts`,
  ]),
);

const at = (path: string): string => resolve(import.meta.dirname, path);

/** What is bundled for plain Node, by `--mode`: where it goes and its entries. */
const BUNDLES: Record<string, { readonly outDir: string; readonly input: Record<string, string> }> =
  {
    /** The command line, with the entry of the worker threads that run harts. */
    production: {
      outDir: 'out/cli',
      input: { hartscope: 'cli/index.ts', ...STARTED },
    },
    /** The emulator as a library (docs/embedding.md). */
    library: {
      outDir: 'out/emulator',
      input: { index: 'emulator/index.ts', ...STARTED },
    },
    bench: {
      outDir: 'out/bench',
      input: {
        index: 'tests/bench/index.ts',
        'measured-cli': 'tests/bench/measured-cli.ts',
        'utility-main': 'tests/bench/utility-main.ts',
        'utility-guests': 'tests/bench/utility-guests.ts',
        ...STARTED,
      },
    },
  };

export default defineConfig(({ mode }) => {
  const { outDir, input } = BUNDLES[mode];
  return {
    publicDir: false,
    build: {
      ssr: true,
      target: 'node20',
      outDir: at(outDir),
      emptyOutDir: true,
      reportCompressedSize: false,
      rolldownOptions: {
        input: Object.fromEntries(Object.entries(input).map(([name, path]) => [name, at(path)])),
        external: [...builtinModules, /^node:/, 'electron'],
        output: {
          format: 'es',
          entryFileNames: '[name].js',
          // Beside the entries: code finds those that it starts in its own folder.
          chunkFileNames: '[name]-[hash].js',
        },
      },
    },
    ssr: { noExternal: true },
  };
});
