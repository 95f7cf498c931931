// Debian packages.
import { existsSync, readFileSync } from 'node:fs';
import { onPath, outputOf, run } from './command.mjs';
import { say } from './say.mjs';

/** Whether this system installs its packages with apt. */
export const hasApt = onPath('apt-get');

export const isRoot = process.getuid?.() === 0;

/** @param {string} name */
function isKnown(name) {
  return /^\s*Candidate: (?!\(none\))/m.test(outputOf('apt-cache', ['policy', name]));
}

/** Whether this Debian has renamed its libraries for 64-bit time (`libgtk-3-0t64`), told by what is installed. */
function isTime64() {
  const status = '/var/lib/dpkg/status';
  return existsSync(status) && /^Package: \S+t64$/m.test(readFileSync(status, 'utf8'));
}

/**
 * The command that installs packages; each is given by its names, the newer one first, because Debian renames them.
 * Where apt has no lists yet, root fetches them here, and for others the command does.
 * @param {string[][]} wanted
 * @returns {Promise<string>} for root as it is to be run, for others with sudo
 */
export async function aptCommand(wanted) {
  const lacksLists = () => wanted.some((names) => !names.some(isKnown));
  if (isRoot && lacksLists()) {
    say('apt-get update');
    await apt(['-qq', 'update']);
  }
  const chosen = wanted.map(
    (names) => names.find(isKnown) ?? (isTime64() ? names.at(0) : names.at(-1)) ?? '',
  );
  const install = `apt-get install -y --no-install-recommends ${chosen.join(' ')}`;
  if (isRoot) return install;
  return lacksLists() ? `sudo apt-get update && sudo ${install}` : `sudo ${install}`;
}

/**
 * @param {string} command as given to root by `aptCommand`
 * @returns {Promise<boolean>} whether it worked
 */
export async function runApt(command) {
  say(command);
  return (await apt(['-qq', ...command.split(' ').slice(1)])) === 0;
}

/**
 * Keeps apt's hundreds of lines to itself, unless it fails.
 * @param {string[]} words
 */
async function apt(words) {
  const { status, stdout } = await run('apt-get', words, {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
    capture: true,
    doing: 'installing system packages',
  });
  if (status !== 0) console.log(stdout.split('\n').slice(-20).join('\n'));
  return status;
}
