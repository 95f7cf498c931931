// Builds the app (out/main, out/preload, out/renderer), the command line (out/cli)
// and the library (out/emulator). Needs no Electron executable.
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './setup/command.mjs';
import { root } from './setup/places.mjs';

const bin = join(root, 'node_modules', '.bin');
if (!existsSync(join(bin, 'vite'))) {
  console.error('build: packages are missing: run `npm ci`, or `npm start` which does everything');
  process.exit(1);
}

/** @param {string[]} command */
async function step(...command) {
  const [program = '', ...words] = command;
  const { status } = await run(join(bin, program), words, { cwd: root });
  if (status !== 0) process.exit(status);
}

await step('electron-vite', 'build', '--logLevel', 'warn');
const node = ['vite', 'build', '--config', 'vite.node.config.ts', '--logLevel', 'warn'];
await step(...node);
await step(...node, '--mode', 'library');

// npx looks into node_modules/.bin first: with this, `npx hartscope` runs the checkout's own build.
const cli = join(root, 'out', 'cli', 'hartscope.js');
chmodSync(cli, 0o755);
if (process.platform !== 'win32') {
  mkdirSync(bin, { recursive: true });
  rmSync(join(bin, 'hartscope'), { force: true });
  symlinkSync('../../out/cli/hartscope.js', join(bin, 'hartscope'));
}
console.log('built out/main, out/preload, out/renderer, out/cli and out/emulator');
