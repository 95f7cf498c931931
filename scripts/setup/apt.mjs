// Debian packages.
import { onPath, outputOf, run } from './command.mjs';
import { say } from './say.mjs';

/** Whether this system installs its packages with apt. */
export const hasApt = onPath('apt-get');

export const isRoot = process.getuid?.() === 0;

/** @param {string} name */
function isKnown(name) {
  return /^\s*Candidate: (?!\(none\))/m.test(outputOf('apt-cache', ['policy', name]));
}

/**
 * The command that installs packages; each is given by its names, the preferred one first, because Debian renames them.
 * As root, fetches apt's lists first where they do not have them yet.
 * @param {string[][]} wanted
 */
export async function aptCommand(wanted) {
  if (isRoot && wanted.some((names) => !names.some(isKnown))) {
    say('apt-get update');
    await apt(['-qq', 'update']);
  }
  const names = wanted.map((list) => list.find(isKnown) ?? list.at(-1) ?? '');
  return `apt-get install -y --no-install-recommends ${names.join(' ')}`;
}

/**
 * @param {string} command as given by `aptCommand`
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
