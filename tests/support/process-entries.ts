import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import type { ProcessEntries } from '../../emulator';

/** The entries of pool threads and workspace processes, bundled: worker threads cannot load TypeScript. */
export interface BuiltEntries extends ProcessEntries {
  readonly pool: string;
  remove(): Promise<void>;
}

export async function buildEntries(): Promise<BuiltEntries> {
  const folder = await mkdtemp(join(tmpdir(), 'hartscope-entries-'));
  const names = ['pool-thread', 'workspace-owner', 'workspace-process'] as const;
  const host = join(import.meta.dirname, '../../emulator/host');
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: true,
      outDir: folder,
      rolldownOptions: {
        input: Object.fromEntries(names.map((name) => [name, join(host, `${name}.ts`)])),
        output: { entryFileNames: '[name].js' },
      },
    },
  });
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  const [pool, owner, process] = names.map((name) => join(folder, `${name}.js`));
  return { pool, owner, process, remove: () => rm(folder, { recursive: true, force: true }) };
}
