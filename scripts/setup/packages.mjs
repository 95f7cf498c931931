// The npm packages of package-lock.json.
import { existsSync, readFileSync } from 'node:fs';
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

/** Runs `npm ci`, unless node_modules already holds what package-lock.json asks for. */
export async function installPackages() {
  if (isCurrent()) return;
  say('installing packages (npm ci)');
  const { status } = await run('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: root,
    doing: 'installing packages',
  });
  if (status !== 0) throw new Problem('npm ci failed: see its message above');
}

/** @typedef {Record<string, { version?: string, optional?: boolean, devOptional?: boolean }>} Packages */

/** Compares the lockfile with the hidden one that npm writes into node_modules at the end of an installation. */
function isCurrent() {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return false;
  const installed = packagesIn(hidden);
  return Object.entries(packagesIn(join(root, 'package-lock.json'))).every(([path, wanted]) => {
    if (path === '') return true;
    const found = installed[path];
    // Packages for other platforms are listed but not installed.
    if (found === undefined) return wanted.optional === true || wanted.devOptional === true;
    return found.version === wanted.version;
  });
}

/**
 * @param {string} lockfile
 * @returns {Packages}
 */
function packagesIn(lockfile) {
  return /** @type {{ packages: Packages }} */ (JSON.parse(readFileSync(lockfile, 'utf8')))
    .packages;
}
