// The npm packages of package-lock.json.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.mjs';
import { root } from './places.mjs';
import { Problem, say } from './say.mjs';

export function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Problem(`Node ${process.versions.node} is too old: install Node 20.19 or newer`);
  }
}

/** Runs `npm ci`, unless node_modules was already made from this very lockfile. */
export async function installPackages() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.setup-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  say('installing packages (npm ci)');
  const { status } = await run('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: root,
    // Electron's own installer would stop the whole installation where it cannot download: it runs afterwards instead.
    env: { ELECTRON_SKIP_BINARY_DOWNLOAD: '1' },
    doing: 'installing packages',
  });
  if (status !== 0) throw new Problem('npm ci failed: see its message above');
  writeFileSync(stamp, lock);
}
