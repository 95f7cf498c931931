import { builtinModules } from 'node:module';
import { resolve } from 'node:path';
import { defineConfig } from 'vite';

const at = (path: string): string => resolve(import.meta.dirname, path);

/**
 * Bundles what runs in plain Node: the command line (out/cli) or, with `--mode bench`, the benchmarks (out/bench).
 * Both get a `hart-thread.js` beside them, the entry of the worker threads that run harts.
 */
export default defineConfig(({ mode }) => {
  const entry: Record<string, string> =
    mode === 'bench' ? { index: at('tests/bench/index.ts') } : { hartscope: at('cli/index.ts') };
  return {
    publicDir: false,
    build: {
      ssr: true,
      target: 'node20',
      outDir: at(mode === 'bench' ? 'out/bench' : 'out/cli'),
      emptyOutDir: true,
      reportCompressedSize: false,
      rolldownOptions: {
        input: { ...entry, 'hart-thread': at('emulator/host/hart-thread.ts') },
        external: [...builtinModules, /^node:/],
        output: {
          format: 'es',
          entryFileNames: '[name].js',
          chunkFileNames: 'chunks/[name]-[hash].js',
        },
      },
    },
    ssr: { noExternal: true },
  };
});
