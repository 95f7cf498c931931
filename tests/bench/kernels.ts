import type { Contender, ContenderName } from './contenders';
import { runGuest } from './engine-run';
import { KERNEL_ROWS, timeKernel, type KernelRow } from './kernel-timing';
import { spread, type Spread } from './spread';

/** How long a sample should take, and all samples of a contender in one round. */
const SAMPLE_US = 20_000;
const ROUND_US = 500_000;
const MOST_SAMPLES = 101;

/** What became of a kernel's code in one run. */
export interface Translation {
  /** Guest instructions that were translated, once for each region that they are in. */
  readonly instructions: number;
  /** Of WebAssembly, and the time that the translator took, per guest instruction. */
  readonly bytesPerInstruction: number;
  readonly usPerInstruction: number;
  /** The part of the kernel's instructions that ran in translated code. */
  readonly share: number;
}

export interface KernelResult {
  readonly kernel: string;
  readonly guest: string;
  readonly instructionsPerCall: number;
  /** Microseconds per call: over the rounds the best, and the median of the rounds' medians. */
  readonly times: Readonly<Partial<Record<ContenderName, Spread>>>;
  readonly translation: Translation;
}

/** Instructions that one more call of the kernel takes, or a whole program. */
function instructionsPerCall({ guest, args, isWhole }: KernelRow): number {
  const count = (...words: string[]): number => runGuest(guest, words, 'auto').instructions;
  return isWhole ? count(...args) : count('2', '1', ...args) - count('1', '1', ...args);
}

function translationOf({ guest, args, isWhole }: KernelRow, calls: number): Translation {
  const words = isWhole ? args : [String(calls), '5', ...args];
  const { instructions, statistics } = runGuest(guest, words, 'auto');
  const { translated, bytes, milliseconds, translatedInstructions } = statistics;
  return {
    instructions: translated,
    bytesPerInstruction: bytes / translated,
    usPerInstruction: (1000 * milliseconds) / translated,
    share: translatedInstructions / instructions,
  };
}

/** Rounds go over all contenders in turn, so that what slows the machine down for a while slows all of them. */
export async function measureKernel(
  row: KernelRow,
  contenders: readonly Contender[],
  rounds: number,
): Promise<KernelResult> {
  const plans: { readonly calls: number; readonly samples: number }[] = [];
  for (const contender of contenders) {
    // Also lets the host compile what runs it well.
    const first = await timeKernel(row, 0, 1, (args) => contender.run(row.guest, args));
    const calls = Math.max(1, Math.round(SAMPLE_US / first.medianUs));
    const samples = Math.ceil(ROUND_US / (calls * first.medianUs));
    plans.push({ calls, samples: Math.min(MOST_SAMPLES, Math.max(3, samples)) });
  }
  const times = contenders.map((): Spread[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      const { calls, samples } = plans[i];
      times[i].push(
        await timeKernel(row, calls, samples, (args) => contender.run(row.guest, args)),
      );
    }
  }
  const overRounds = (all: readonly Spread[]): Spread => ({
    minimumUs: Math.min(...all.map(({ minimumUs }) => minimumUs)),
    medianUs: spread(all.map(({ medianUs }) => medianUs)).medianUs,
  });
  return {
    kernel: row.name,
    guest: row.guest,
    instructionsPerCall: instructionsPerCall(row),
    times: Object.fromEntries(contenders.map(({ name }, i) => [name, overRounds(times[i])])),
    translation: translationOf(row, plans[1].calls),
  };
}

/** The rows of these guests, in the table's order; all of them when there is none. */
export const rowsOf = (guests: readonly string[]): readonly KernelRow[] =>
  KERNEL_ROWS.filter(({ guest }) => guests.length === 0 || guests.includes(guest));
