import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'electron-vite';
import { resolve } from 'node:path';

const at = (path: string): string => resolve(import.meta.dirname, path);

export default defineConfig({
  main: {
    build: {
      outDir: at('out/main'),
      // All packages are devDependencies, so that all of them are bundled and out/ stands alone.
      rolldownOptions: {
        input: {
          index: at('main/index.ts'),
          // The machine process and its hart threads are plain further inputs: `?modulePath` and `?nodeWorker`
          // work from main only, and a hart thread is started by the machine process.
          'machine-host': at('emulator/host/machine-host.ts'),
          'hart-thread': at('emulator/host/hart-thread.ts'),
          'pool-thread': at('emulator/host/pool-thread.ts'),
          'workspace-process': at('emulator/host/workspace-process.ts'),
        },
        output: {
          format: 'es',
          entryFileNames: '[name].js',
          chunkFileNames: 'chunks/[name]-[hash].js',
        },
      },
    },
  },
  preload: {
    build: {
      outDir: at('out/preload'),
      rolldownOptions: {
        input: { index: at('preload/index.ts') },
        // A sandboxed page takes only a CommonJS preload script.
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: at('renderer'),
    build: {
      outDir: at('out/renderer'),
      rolldownOptions: { input: at('renderer/index.html') },
    },
    plugins: [vue()],
  },
});
