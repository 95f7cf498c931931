import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';

/** The entry of pool threads, bundled: worker threads cannot load TypeScript. */
export async function buildPoolEntry(): Promise<{ entry: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'hartscope-pool-'));
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: join(import.meta.dirname, '../../emulator/host/pool-thread.ts'),
      outDir: folder,
      rolldownOptions: { output: { entryFileNames: 'pool-thread.js' } },
    },
  });
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  return {
    entry: join(folder, 'pool-thread.js'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
