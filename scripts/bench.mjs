// Bundles tests/bench and runs it: `npm run bench -- [--json] [names]`.
import { join } from 'node:path';
import { run } from './setup/command.mjs';
import { root } from './setup/places.mjs';

const vite = join(root, 'node_modules', '.bin', 'vite');
const words = ['build', '--config', 'vite.node.config.ts', '--mode', 'bench', '--logLevel', 'warn'];
const built = await run(vite, words, { cwd: root });
if (built.status !== 0) process.exit(built.status);
const entry = join(root, 'out', 'bench', 'index.js');
const { status } = await run(process.execPath, [entry, ...process.argv.slice(2)], { cwd: root });
process.exit(status);
