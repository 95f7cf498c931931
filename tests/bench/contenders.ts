import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineKind } from '../../emulator/engine/engine';
import { Machine } from '../../emulator/machine';
import { ArenaPool } from '../../emulator/memory/arena-pool';
import { CapturedStreams } from '../support/captured-streams';

/** V8 needs some hundred milliseconds for its best code. */
const WARM_SAMPLES = 9;

/** What a kernel program prints about its timing (guests/runtime/benchmark.c). */
export interface Timing {
  readonly callsPerSample: number;
  readonly medianUs: number;
  readonly totalUs: number;
}

/** Something that runs the kernels. */
export interface Contender {
  readonly name: string;
  /** Samples in a run, whose median counts: more than one where code gets faster while it runs. */
  readonly samples: number;
  /** Runs a kernel; 0 calls means that the program chooses how many make a sample of 100 ms. */
  time(kernel: string, calls: number, samples: number): Timing;
}

/** Programs that do not time themselves are timed from outside, start included: their arguments. */
const WHOLE_PROGRAMS: Readonly<Record<string, readonly string[] | undefined>> = {
  mandelbrot: ['400', '200', '1000'],
};

/** Arguments, and the timing of what `run` did with them. */
function timeProgram(
  kernel: string,
  calls: number,
  samples: number,
  run: (args: readonly string[]) => string,
): Timing {
  const whole = WHOLE_PROGRAMS[kernel];
  const start = performance.now();
  const text = run(whole ?? [String(calls), String(samples)]);
  if (!whole) return parseTiming(kernel, text);
  const totalUs = 1000 * (performance.now() - start);
  return { callsPerSample: 1, medianUs: totalUs, totalUs };
}

function parseTiming(kernel: string, text: string): Timing {
  const field = (name: string): number => {
    const value = Number(new RegExp(`${name}=([0-9.]+)`).exec(text)?.[1]);
    if (!Number.isFinite(value)) throw new Error(`${kernel} printed no ${name}: ${text}`);
    return value;
  };
  return {
    callsPerSample: field('calls_per_sample'),
    medianUs: field('median_us'),
    totalUs: field('total_us'),
  };
}

const guestFile = (kernel: string): string => join('guests', 'bin', `${kernel}.elf`);

/** One of the emulator's engines, in this process. */
export class EngineContender implements Contender {
  private readonly arenas = new ArenaPool({ limitBytes: 2 ** 28 });

  constructor(
    readonly name: string,
    private readonly engine: EngineKind,
    readonly samples = 1,
  ) {}

  time(kernel: string, calls: number, samples: number): Timing {
    return timeProgram(kernel, calls, samples, (args) => this.run(kernel, args).text);
  }

  /** Instructions that one more call of the kernel takes, or a whole program. */
  instructionsPerCall(kernel: string): number {
    const whole = WHOLE_PROGRAMS[kernel];
    if (whole) return this.run(kernel, whole).instructions;
    return this.run(kernel, ['2', '1']).instructions - this.run(kernel, ['1', '1']).instructions;
  }

  private run(kernel: string, args: readonly string[]): { text: string; instructions: number } {
    const arena = this.arenas.take();
    const streams = new CapturedStreams();
    const elf = readFileSync(guestFile(kernel));
    const machine = Machine.create({
      elf,
      args: [kernel, ...args],
      streams,
      arena,
      engine: this.engine,
    });
    try {
      const stop = machine.runToEnd();
      if (stop.kind !== 'exited' || stop.status !== 0) {
        throw new Error(`${kernel} ended with ${JSON.stringify(stop)}: ${streams.text()}`);
      }
      return { text: streams.text(), instructions: machine.instructions };
    } finally {
      machine.dispose();
      this.arenas.giveBack(arena);
    }
  }
}

/** A command that runs a kernel as a process of its own. */
class ProcessContender implements Contender {
  readonly samples = 1;

  constructor(
    readonly name: string,
    private readonly command: (kernel: string) => readonly [string, ...string[]],
  ) {}

  time(kernel: string, calls: number, samples: number): Timing {
    const [file, ...words] = this.command(kernel);
    return timeProgram(kernel, calls, samples, (args) =>
      execFileSync(file, [...words, ...args], { encoding: 'utf8' }),
    );
  }
}

const isInstalled = (tool: string): boolean => spawnSync(tool, ['--version']).error === undefined;

export interface Contenders {
  readonly interpreter: EngineContender;
  readonly others: readonly Contender[];
  /** What could not take part, and why. */
  readonly absent: readonly string[];
  /** Removes what was built for the comparison. */
  close(): void;
}

/** Everything that can run the kernels here: always the emulator's engines, native code and QEMU where there is a tool. */
export function findContenders(): Contenders {
  const others: Contender[] = [new EngineContender('translated', 'auto', WARM_SAMPLES)];
  const absent: string[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'hartscope-bench-'));
  if (isInstalled('gcc')) {
    execFileSync(process.execPath, [join('guests', 'build.mjs'), '--native', folder]);
    others.push(new ProcessContender('native', (kernel) => [join(folder, kernel)]));
  } else {
    absent.push('native: gcc is not installed');
  }
  if (isInstalled('qemu-riscv64-static')) {
    const command = (kernel: string) => ['qemu-riscv64-static', guestFile(kernel)] as const;
    others.push(new ProcessContender('qemu', (kernel) => [...command(kernel)]));
  } else {
    absent.push('qemu: qemu-riscv64-static is not installed');
  }
  const close = (): void => rmSync(folder, { recursive: true, force: true });
  return { interpreter: new EngineContender('interpreter', 'interpreter'), others, absent, close };
}
