// Runs every static check, also after one has failed, and says which did.
import { join } from 'node:path';
import { run } from './setup/command.mjs';
import { root } from './setup/places.mjs';

const CHECKS = [
  { name: 'types and floors', command: ['vue-tsc', '--build'] },
  { name: 'ESLint', command: ['eslint', '.', '--max-warnings', '0'] },
  { name: 'Prettier', command: ['prettier', '--check', '--log-level', 'warn', '.'] },
  { name: 'unused code', command: ['knip'] },
];

const failed = [];
for (const { name, command } of CHECKS) {
  console.log(`check: ${name}`);
  const [program = '', ...words] = command;
  const { status } = await run(join(root, 'node_modules', '.bin', program), words, { cwd: root });
  if (status !== 0) failed.push(name);
}
console.log(failed.length > 0 ? `check: failed: ${failed.join(', ')}` : 'check: all passed');
process.exitCode = failed.length > 0 ? 1 : 0;
