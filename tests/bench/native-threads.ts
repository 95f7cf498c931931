import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isInstalled } from './contenders';
import type { Spread } from './spread';

/** A dot product by gcc -O2 on one thread and on two. */
export interface NativeThreads {
  readonly elements: number;
  readonly one: Spread;
  readonly two: Spread;
}

const SOURCE = join('tests', 'bench', 'native-threads.c');
const ADDITIONS = 1 << 28;

/** What two threads gain on this machine, whatever runs on them; nothing where there is no gcc. */
export function measureNativeThreads(sizes: readonly number[]): NativeThreads[] {
  if (!isInstalled('gcc')) return [];
  const folder = mkdtempSync(join(tmpdir(), 'hartscope-bench-'));
  try {
    const program = join(folder, 'native-threads');
    execFileSync('gcc', ['-O2', '-pthread', '-o', program, SOURCE]);
    return sizes.map((elements) => {
      const calls = String(Math.max(5, Math.round(ADDITIONS / elements)));
      const output = execFileSync(program, [String(elements), calls], { encoding: 'utf8' });
      const [best = NaN, median = NaN, twoBest = NaN, twoMedian = NaN] = output
        .split(' ')
        .map(Number);
      return {
        elements,
        one: { minimumUs: best, medianUs: median },
        two: { minimumUs: twoBest, medianUs: twoMedian },
      };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
