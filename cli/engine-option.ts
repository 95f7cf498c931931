import { Option } from 'commander';
import type { Machine } from '../emulator';

/** `--engine`. */
export function engineOption(): Option {
  return new Option(
    '--engine <engine>',
    'what runs the code: interpreter, translator (translates all code) or auto',
  )
    .choices(['interpreter', 'translator', 'auto'])
    .default('auto');
}

/** One line about how much ran in translated code, and what that was left for. */
export function engineText({ instructions, engineStatistics: of }: Machine): string {
  const share = (100 * of.translatedInstructions) / Math.max(instructions, 1);
  const exits = Object.entries(of.exits)
    .filter(([, count]) => count > 0)
    .map(([cause, count]) => `${cause} ${count}`);
  return (
    `${of.translatedInstructions} of them (${share.toFixed(1)} %) in translated code: ` +
    `${of.regions} regions of ${of.translated} instructions, ${of.entries} entries; ` +
    `left for ${exits.join(', ') || 'nothing'}; ` +
    `longest pause to translate ${of.longestPause.toFixed(1)} ms`
  );
}
