import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import type { TestProject } from 'vitest/node';
import type { HostEntries } from './host-entries';

/**
 * Bundles the entries of pool threads and workspace processes once for all test files of a project: worker threads
 * cannot load TypeScript.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
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
  project.provide('hostEntries', { pool, owner, process } satisfies HostEntries);
  return () => rm(folder, { recursive: true, force: true });
}
