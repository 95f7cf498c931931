import { createHash } from 'node:crypto';
import type { EngineKind, Machine } from '../../../emulator';
import { checkTables } from '../../../emulator/memory/check';
import { call, DATA, exit, finish, machineOf } from './stress';

/** Pages of the program's that can be written and run. */
const CELLS = 0x200000;
const CELL_PAGES = 16;
/** vCPUs beside main, which does the same work. */
const VCPUS = 4;
/** What a hart writes: four pages for each. */
const OWN = DATA + 0x10000;
const OWN_BYTES = 0x4000;
const RWX = 7;
const MAP_PRIVATE_FIXED_ANONYMOUS = 0x32;

/** System calls with an address in register `at`. */
const protect = (at: string, protection: number): string =>
  `mv a0, ${at}\nli a1, 4096\nli a2, ${protection}\nli a7, 226\necall\nbnez a0, bad`;
const map = (at: string): string =>
  `mv a0, ${at}\nli a1, 4096\nli a2, 3\nli a3, ${MAP_PRIVATE_FIXED_ANONYMOUS}\nli a4, -1\nli a5, 0\nli a7, 222\necall\nbne a0, ${at}, bad`;
const unmap = (at: string): string => `mv a0, ${at}\nli a1, 4096\nli a7, 215\necall\nbnez a0, bad`;

/** Writes `addi a0, a0, random; ret` at `at` and calls it. */
const writeAndCall = (at: string, name: string): string => `
    srli t0, s4, 40
    andi t0, t0, 0x3ff
    slli t0, t0, 20
    li t1, 0x00050513
    or t0, t0, t1
    sw t0, 0(${at})
    li t1, 0x00008067
    sw t1, 4(${at})
    fence.i
    mv a0, s6
    li s8, 400
  ${name}:
    jalr ra, 0(${at})
    addi s8, s8, -1
    bnez s8, ${name}
    mv s6, a0`;

/**
 * Harts that, in an order of their own that the seed decides, compute in loops, write code and run it (two
 * harts on one page), protect and unmap pages, and start vCPUs that write; main does so too. What they
 * compute and how many instructions that takes does not depend on who runs when.
 *
 * | Register | Meaning                                                         |
 * | -------- | --------------------------------------------------------------- |
 * | `s0`     | number of the hart; main's is the last                          |
 * | `s1`     | rounds left                                                     |
 * | `s2`     | its four pages: results, protected, unmapped, written by vCPUs  |
 * | `s3`     | its cell of code, on a page with another hart's                 |
 * | `s4`     | random state                                                    |
 * | `s5`     | its own page of code                                            |
 * | `s6`     | checksum                                                        |
 */
const HARTS = (seed: number, rounds: number): string => `
    ${call(222, CELLS, CELL_PAGES * 4096, RWX, MAP_PRIVATE_FIXED_ANONYMOUS, -1, 0)}
    ${call(2000, DATA)}
    blez a0, bad
    li a0, ${VCPUS}
  worker:
    mv s0, a0
    li s1, ${rounds}
    li s2, ${OWN}
    slli t0, s0, 14
    add s2, s2, t0
    li s3, ${CELLS}
    srli t0, s0, 1
    slli t0, t0, 12
    add s3, s3, t0
    slli t0, s0, 6
    add s3, s3, t0
    li s5, ${CELLS + 8 * 4096}
    slli t0, s0, 12
    add s5, s5, t0
    li s4, ${seed}
    add s4, s4, s0
    li s6, 0
    li s9, 0x3000
    add s9, s2, s9
    li s10, 4096
    add s10, s2, s10
    add s11, s10, s10
    sub s11, s11, s2
    li s7, 0x5851f42d4c957f2d
  round:
    mul s4, s4, s7
    addi s4, s4, 1013
    srli t0, s4, 61
    beqz t0, cell
    addi t0, t0, -1
    beqz t0, page
    addi t0, t0, -1
    beqz t0, protection
    addi t0, t0, -1
    beqz t0, mapping
    addi t0, t0, -1
    beqz t0, fork
    li t0, 1200
    srli t1, s4, 33
  compute:
    andi t2, t1, 0xff
    slli t2, t2, 3
    add t2, s2, t2
    ld t3, 64(t2)
    add t3, t3, t1
    sd t3, 64(t2)
    xor s6, s6, t3
    slli t4, t1, 7
    xor t1, t1, t4
    srli t4, t1, 9
    xor t1, t1, t4
    addi t0, t0, -1
    bnez t0, compute
    j next
  cell:
    ${writeAndCall('s3', 'call_cell')}
    j next
  page:
    ${protect('s5', RWX)}
    ${writeAndCall('s5', 'call_page')}
    ${protect('s5', 5)}
    mv a0, s6
    jalr ra, 0(s5)
    mv s6, a0
    j next
  protection:
    ${protect('s10', 1)}
    li t0, 300
    li t2, 0
  read:
    ld t1, 8(s10)
    add t2, t2, t1
    addi t0, t0, -1
    bnez t0, read
    add s6, s6, t2
    ${protect('s10', 3)}
    li t0, 300
  write:
    ld t1, 8(s10)
    addi t1, t1, 3
    sd t1, 8(s10)
    addi t0, t0, -1
    bnez t0, write
    j next
  mapping:
    ${unmap('s11')}
    ${map('s11')}
    li t0, 300
  fresh:
    ld t1, 16(s11)
    add t1, t1, s4
    sd t1, 16(s11)
    addi t0, t0, -1
    bnez t0, fresh
    add s6, s6, t1
    j next
  fork:
    addi sp, sp, -16
    sd s6, 0(sp)
    ${call(110, 2, 0)}
    beqz a0, joined
    li t0, 400
    sd a0, 0(sp)
  add:
    ld t1, 0(sp)
    amoadd.d x0, t1, (s9)
    addi t1, t1, 1
    sd t1, 0(sp)
    addi t0, t0, -1
    bnez t0, add
    ${call(111)}
  joined:
    ld t0, 0(sp)
    bne t0, s6, bad
    addi sp, sp, 16
    ld t0, 0(s9)
    add s6, s6, t0
  next:
    addi s1, s1, -1
    bnez s1, round
    sd s6, 0(s2)
    li t0, ${VCPUS}
    beq s0, t0, main
    ${call(93, 0)}
  main:
    ${call(2001, -1, 0, 0)}
    bnez a0, bad
    ${exit(0)}
  bad:
    ${call(93, 1)}`;

/** How a run of the harts ended. */
export interface StressOutcome {
  readonly stop: unknown;
  readonly instructions: number;
  /** Hash of the pages that are written, code included. */
  readonly memory: string;
  /** What is wrong in the tables of memory. */
  readonly faults: readonly string[];
  readonly checksums: readonly (number | undefined)[];
}

/** Runs the harts in one engine; also how many of the instructions ran in translated code. */
export function translationStress(
  seed: number,
  rounds: number,
  engine: EngineKind,
  pool?: { readonly entry: string; readonly threads: number },
): { outcome: StressOutcome; translatedInstructions: number } {
  const task = { mode: 'call', vcpus: VCPUS, function: 'worker' } as const;
  const machine = machineOf(HARTS(seed, rounds), pool, task, { engine });
  try {
    const stop = finish(machine);
    const outcome = {
      stop,
      instructions: machine.instructions,
      memory: memoryHash(machine),
      faults: checkTables(machine.arena),
      checksums: Array.from({ length: VCPUS + 1 }, (_, hart) =>
        machine.space.readNumber64(OWN + hart * OWN_BYTES),
      ),
    };
    return { outcome, translatedInstructions: machine.engineStatistics.translatedInstructions };
  } finally {
    machine.dispose();
  }
}

function memoryHash({ space }: Machine): string {
  const hash = createHash('sha256');
  hash.update(space.read(OWN, (VCPUS + 1) * OWN_BYTES));
  hash.update(space.read(CELLS, CELL_PAGES * 4096));
  return hash.digest('hex');
}
