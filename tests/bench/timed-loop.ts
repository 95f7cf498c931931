import { assemble } from '../../emulator/isa';
import { spread, type Spread } from './spread';
import { writeElf } from '../support/elf-writer';

const CODE = 0x10000;
/** Data of the loop's own: the first page is for its body. */
export const DATA = 0x100000;
const TIMES = DATA + 0x1000;
const RESULTS = DATA + 0x2000;
const MOST_SAMPLES = 4096;

/** A loop that times itself. */
export interface TimedLoop {
  /** What comes before; assembly. */
  readonly setup?: string;
  /** What is timed; it leaves s0 to s3 alone and goes to `bad` when something is wrong. */
  readonly body: string;
  /** How often it runs for one sample. */
  readonly calls: number;
  readonly samples: number;
}

const clock = (at: number): string => `
    li a0, 1
    li a1, ${at}
    li a7, 113
    ecall`;

/**
 * A program for Linux that runs a loop in samples, and writes how many nanoseconds each has taken to its standard
 * output, as 64-bit numbers. It needs no compiler, and runs on any RISC-V.
 */
export function timedProgram({ setup = '', body, calls, samples }: TimedLoop): Uint8Array {
  if (samples > MOST_SAMPLES) throw new Error(`${samples} samples: ${MOST_SAMPLES} are the most`);
  const { bytes } = assemble(
    `
    ${setup}
    li s0, ${samples}
    li s1, ${RESULTS}
  sample:
    ${clock(TIMES)}
    li s2, ${calls}
  call:
    ${body}
    addi s2, s2, -1
    bnez s2, call
    ${clock(TIMES + 16)}
    li t0, ${TIMES}
    ld t1, 0(t0)
    ld t2, 8(t0)
    ld t3, 16(t0)
    ld t4, 24(t0)
    sub t3, t3, t1
    li t5, 1000000000
    mul t3, t3, t5
    add t3, t3, t4
    sub t3, t3, t2
    sd t3, 0(s1)
    addi s1, s1, 8
    addi s0, s0, -1
    bnez s0, sample
    li a0, 1
    li a1, ${RESULTS}
    li a2, ${8 * samples}
    li a7, 64
    ecall
    li a0, 0
    j end
  bad:
    li a0, 1
  end:
    li a7, 94
    ecall`,
    { base: CODE },
  );
  const data = new Uint8Array(RESULTS - DATA + 8 * MOST_SAMPLES);
  return writeElf(CODE, [
    { address: CODE, bytes, writable: false, executable: true },
    { address: DATA, bytes: data, writable: true, executable: false },
  ]);
}

/** Nanoseconds of each sample, from what the program has written. */
export function nanosecondsOf(output: Uint8Array, { samples }: TimedLoop): number[] {
  if (output.length !== 8 * samples) {
    throw new Error(`the timed loop has written ${output.length} bytes, not ${8 * samples}`);
  }
  const view = new DataView(output.buffer, output.byteOffset, output.length);
  return Array.from({ length: samples }, (_, i) => Number(view.getBigUint64(8 * i, true)));
}

/** Microseconds per run of the loop's body, from what the program has written. */
export function timesOf(output: Uint8Array, loop: TimedLoop): Spread {
  return spread(nanosecondsOf(output, loop).map((ns) => ns / 1000 / loop.calls));
}
