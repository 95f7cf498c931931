import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);

/** A copy of what the examples of docs/embedding.md need: the built library, the guests, themselves. */
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hartscope-examples-'));
  cpSync('docs/examples', join(folder, 'docs/examples'), { recursive: true });
  symlinkSync(resolve('guests'), join(folder, 'guests'), 'dir');
  await build({
    configFile: 'vite.node.config.ts',
    mode: 'library',
    logLevel: 'error',
    build: { outDir: join(folder, 'out/emulator') },
  });
  cpSync('package.json', join(folder, 'package.json'));
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const OUTPUT: Readonly<Record<string, readonly string[]>> = {
  'call-function.mjs': [
    'fib(20) = 6765, called before the program started',
    'then the program exited with status 0 after',
    'it printed: ',
  ],
  'family.mjs': [
    'dot product, computed by the other machine: 17',
    'in the fork 2, in its origin 17',
    'a read at 0x70000000',
    'with the page that was made: 30',
  ],
  'repeat.mjs': ['the same', 'another interleaving'],
};

test.each(readdirSync('docs/examples'))('docs/examples/%s prints what it should', async (name) => {
  const { stdout } = await run(process.execPath, [join(folder, 'docs/examples', name)]);
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toEqual(OUTPUT[name].map((line) => expect.stringContaining(line) as string));
});
