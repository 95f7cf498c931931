// The system libraries, display server and fonts that Electron needs on Linux.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { aptCommand, hasApt, isRoot, runApt } from './apt.mjs';
import { onPath, outputOf } from './command.mjs';
import { Problem } from './say.mjs';

/** Debian's package for each library that Electron links to but does not bring along: newer name first. */
const DEBIAN = new Map([
  ['libgtk-3.so.0', ['libgtk-3-0t64', 'libgtk-3-0']],
  ['libnss3.so', ['libnss3']],
  ['libgbm.so.1', ['libgbm1']],
  ['libasound.so.2', ['libasound2t64', 'libasound2']],
]);

const FONTS = ['/usr/share/fonts/truetype', '/usr/share/fonts/opentype', '/usr/local/share/fonts'];

/**
 * Installs what is missing where it may, else stops with the command to run.
 * @param {string} dist the folder with Electron's executable
 */
export async function installLibraries(dist) {
  const missing = missingLibraries(dist);
  const wanted = packagesFor(missing);
  if (!process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) {
    if (!onPath('xvfb-run')) wanted.push(['xvfb'], ['xauth']);
    if (!FONTS.some(hasFiles)) wanted.push(['fonts-dejavu-core']);
  }
  if (wanted.length === 0) return;
  if (!hasApt) {
    const what = missing.join(', ') || 'a display, xvfb-run or fonts';
    const names = wanted.map((list) => list.at(-1)).join(' ');
    throw new Problem(
      `Electron lacks ${what}: install them with this system's package manager (on Debian: ${names})`,
    );
  }
  const command = await aptCommand(wanted);
  if (!isRoot) {
    throw new Problem(
      `Electron needs some system packages. Run this, then try again:\n  ${command}`,
    );
  }
  if (!(await runApt(command))) throw new Problem(`this failed: ${command}`);
  const left = missingLibraries(dist);
  if (left.length > 0) throw new Problem(`Electron still lacks ${left.join(', ')}`);
}

/** @param {string} dist */
function missingLibraries(dist) {
  const listing = outputOf('ldd', [join(dist, 'electron')]);
  return [...listing.matchAll(/^\s*(\S+) => not found/gm)].map((match) => match[1] ?? '');
}

/** @param {string[]} libraries */
function packagesFor(libraries) {
  if (libraries.length === 0) return [];
  const known = libraries.flatMap((library) => {
    const names = DEBIAN.get(library);
    return names ? [names] : [];
  });
  // The others come in with these.
  return known.length > 0 ? known : [...DEBIAN.values()];
}

/** @param {string} folder */
function hasFiles(folder) {
  return existsSync(folder) && readdirSync(folder).length > 0;
}
