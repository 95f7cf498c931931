import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { prepareTranslator } from '../emulator/multiprocess/spare-translator';

/** Commands whose machine translates on a thread of its own. */
const TRANSLATING: readonly (string | undefined)[] = ['run', 'debug'];

/**
 * Starts what the command will need at once, before the command line itself is loaded: on a second core the thread that translates is
 * ready when the guest begins. Options that do without it are only guessed at; then it has been started in vain.
 * @param words the command line
 */
export function prepare([command, ...words]: readonly string[]): void {
  if (!TRANSLATING.includes(command) || availableParallelism() === 1) return;
  if (/(^| )--(engine[= ]interpreter|threads[= ]0)( |$)/.test(words.join(' '))) return;
  const entry = join(import.meta.dirname, 'pool-thread.js');
  if (existsSync(entry)) prepareTranslator(entry);
}
