import { describe, expect, test } from 'vitest';
import { EXACT_LABELS, EXACT_LOOP, exactState } from '../../support/exact-loop';
import { poolOf } from '../../support/host-entries';
import { keptMachines } from '../../support/kept-machines';
import { call, DATA, finish, machineOf, programOf } from './stress';

/*
 * What happens to a loop in translated code while it runs on one thread: another hart, on another thread, changes the pages that
 * it runs on and writes; signals come.
 */

const machines = keptMachines();

const [READ_ONLY, READ_WRITE, RWX] = [1, 3, 7];
const MAP_PRIVATE_FIXED_ANONYMOUS = 0x32;
const MREMAP_MAYMOVE_FIXED = 3;
const [SIGUSR1, SIGSEGV, SIGALRM] = [10, 11, 14];
/** Where the function lies that the loop calls, and the page that it writes. */
const CODE_PAGE = 0x200000;
const DATA_PAGE = 0x201000;
const ELSEWHERE = 0x300000;
/** Words: rounds of the loop, whether all is over, and what was seen. */
const ROUNDS = DATA + 0x1000;
const DONE = DATA + 0x1008;
const SEEN = DATA + 0x1040;
const FAULT = SEEN + 32;
const TID = DATA + 0x1800;
const STACKS = DATA + 0x4000;
const CLONE_THREAD = 0x310f00;
/** Rounds before something changes, and after it where the loop goes on. */
const WARM = 50_000;

const map = (address: number, protection: number): string =>
  call(222, address, 4096, protection, MAP_PRIVATE_FIXED_ANONYMOUS, -1, 0);
const protect = (page: number, protection: number): string => call(226, page, 4096, protection);
const moveAway = (page: number): string =>
  call(216, page, 4096, 4096, MREMAP_MAYMOVE_FIXED, ELSEWHERE);
const handle = (signal: number, handler: string): string => `
    addi sp, sp, -32
    la t0, ${handler}
    sd t0, 0(sp)
    li t0, 4
    sd t0, 8(sp)
    sd zero, 16(sp)
    mv a1, sp
    li a0, ${signal}
    li a2, 0
    li a3, 8
    li a7, 134
    ecall
    addi sp, sp, 32`;
const thread = (n: number, label: string): string => `
    ${call(220, CLONE_THREAD, STACKS + 0x1000 * (n + 1), TID + 8 * n, 0, TID + 8 * n)}
    beqz a0, ${label}`;

/** Waits for the loop's fault. */
const FAULTED = `
    li t3, ${FAULT}
  look:
    ld t4, 0(t3)
    beqz t4, look`;
/** Waits for as many rounds again. */
const GONE_ON = `
    li t3, ${WARM}
    add t3, t3, t2
  look:
    ld t4, 0(t1)
    blt t4, t3, look`;

/**
 * Main computes on the home thread, so that both others are on threads of the pool: one is in the loop, which counts its rounds
 * and then does `body`; the other waits for that, makes the change, and looks twice at the word at `look`: at once, and when the
 * loop has faulted or gone on.
 */
const changing = (body: string, change: string, look: number, end = FAULTED): string => `
    ${map(CODE_PAGE, RWX)}
    ${map(DATA_PAGE, READ_WRITE)}
    li t0, ${CODE_PAGE}
    li t1, 0x009b3023       # sd s1, 0(s6)
    sw t1, 0(t0)
    li t1, 0x00008067       # ret
    sw t1, 4(t0)
    fence.i
    ${handle(SIGSEGV, 'faulted')}
    ${thread(0, 'loop')}
    ${thread(1, 'changer')}
    li t0, ${DONE}
  main:
    ld t1, 0(t0)
    beqz t1, main
    ${call(94, 0)}
  loop:
    li s1, 0
    li s3, ${ROUNDS}
    li s5, ${CODE_PAGE}
    li s6, ${DATA_PAGE}
  round:
    addi s1, s1, 1
    sd s1, 0(s3)
    ${body}
    j round
  changer:
    li t0, ${ROUNDS}
    li t1, ${WARM}
  warm:
    ld t2, 0(t0)
    blt t2, t1, warm
    ${change}
    bltz a0, failed
    li t6, ${look}
    ld t0, 0(t6)
    li t1, ${ROUNDS}
    ld t2, 0(t1)
    ${end}
    ld t4, 0(t6)
    ld t5, 0(t1)
    li t1, ${SEEN}
    sd t0, 0(t1)
    sd t4, 8(t1)
    sd t2, 16(t1)
    sd t5, 24(t1)
    li t0, ${DONE}
    li t1, 1
    sd t1, 0(t0)
    ${call(93, 0)}
  failed:
    ${call(94, 99)}
  faulted:
    li t0, ${FAULT}
    ld t1, 16(a1)
    sd t1, 0(t0)
    ${call(93, 0)}`;

const CALLS = 'jalr ra, 0(s5)';
const STORES = 'ld t0, 0(s6)\naddi t0, t0, 1\nsd t0, 0(s6)';

const ENGINES = ['interpreter', 'translator'] as const;

/** What was seen: the word before and after, rounds before and after, the address of the fault. */
function run(text: string, engine: (typeof ENGINES)[number]): number[] {
  const machine = machineOf(text, poolOf(2), undefined, { engine });
  machines.push(machine);
  expect(finish(machine)).toEqual({ kind: 'exited', status: 0 });
  const { translatedInstructions } = machine.engineStatistics;
  if (engine === 'translator') {
    expect(translatedInstructions / machine.instructions).toBeGreaterThan(0.5);
  }
  return [0, 1, 2, 3, 4].map((n) => machine.space.readNumber64(SEEN + 8 * n) ?? NaN);
}

describe.each(ENGINES)('a loop on one thread (%s), when a hart on another thread', (engine) => {
  test.each([
    ['makes its data read-only', protect(DATA_PAGE, READ_ONLY), DATA_PAGE],
    [
      'replaces its data by a page for reading',
      `${call(215, DATA_PAGE, 4096)}\n${map(DATA_PAGE, READ_ONLY)}`,
      DATA_PAGE,
    ],
    ['moves its data elsewhere', moveAway(DATA_PAGE), ELSEWHERE],
  ])('%s, writes nothing more, and faults', (_, change, look) => {
    const [before, after, , , fault] = run(changing(STORES, change, look), engine);
    expect(after).toBe(before);
    expect(fault).toBe(DATA_PAGE);
  });

  test.each([
    ['takes the right to run its code', protect(CODE_PAGE, READ_WRITE)],
    ['unmaps its code', call(215, CODE_PAGE, 4096)],
    ['moves its code elsewhere', moveAway(CODE_PAGE)],
    ['replaces its code by a page for reading', map(CODE_PAGE, READ_ONLY)],
  ])('%s, runs nothing more of it, and faults', (_, change) => {
    const [before, after, , , fault] = run(changing(CALLS, change, DATA_PAGE), engine);
    expect(after).toBe(before);
    expect([CODE_PAGE, CODE_PAGE + 4]).toContain(fault);
  });

  test('rewrites its code and flushes the instruction caches of all, runs what is new', () => {
    const rewrite = `
      li t0, ${CODE_PAGE}
      li t1, 0x00000013       # nop
      sw t1, 0(t0)
      ${call(259, CODE_PAGE, CODE_PAGE + 8, 0)}`;
    const seen = run(changing(CALLS, rewrite, DATA_PAGE, GONE_ON), engine);
    const [before, after, rounds, later, fault] = seen;
    expect(after).toBe(before);
    expect(later).toBeGreaterThanOrEqual(rounds + WARM);
    expect(fault).toBe(0);
  });
});

/** Notes pc, s1, s2, s4 and the memory at s3 of the interrupted loop; ends the program after so many. */
const NOTES = 40;
const NOTE_HANDLER = `
  note:
    li t0, ${SEEN}
    ld t1, 0(t0)
    addi t1, t1, 1
    sd t1, 0(t0)
    slli t2, t1, 6
    add t2, t2, t0
    ld t3, 176(a2)
    sd t3, 0(t2)
    ld t3, 248(a2)
    sd t3, 8(t2)
    ld t3, 320(a2)
    sd t3, 16(t2)
    ld t3, 336(a2)
    sd t3, 24(t2)
    li t3, ${ROUNDS}
    ld t3, 0(t3)
    sd t3, 32(t2)
    li t3, ${NOTES}
    beq t1, t3, over
    ret
  over:
    ${call(94, 0)}`;
const LOOP = `li s3, ${ROUNDS}\n${EXACT_LOOP}`;

describe.each(ENGINES)('a signal that comes into a loop (%s) finds it whole', (engine) => {
  const check = (text: string): void => {
    const { symbols } = programOf(text);
    const machine = machineOf(text, poolOf(2), undefined, { engine });
    machines.push(machine);
    expect(finish(machine)).toEqual({ kind: 'exited', status: 0 });
    const labels = new Map(EXACT_LABELS.map((label) => [symbols.get(label), label]));
    const notes = Array.from({ length: NOTES }, (_, n) =>
      [0, 1, 2, 3, 4].map((word) => machine.space.readU64(SEEN + 64 * (n + 1) + 8 * word) ?? -1n),
    );
    // Those that came before the loop began tell nothing of it.
    const inLoop = notes.filter(([pc]) => labels.has(Number(pc)));
    for (const [pc, s1, s2, s4, memory] of inLoop) {
      expect({ s2, s4, memory }).toEqual(exactState(labels.get(Number(pc))!, s1).state);
    }
    expect(inLoop.length).toBeGreaterThan(NOTES / 2);
    if (engine === 'translator') {
      const { translatedInstructions } = machine.engineStatistics;
      expect(translatedInstructions / machine.instructions).toBeGreaterThan(0.5);
    }
  };

  test('from a timer, on the home thread', () => {
    check(`
      ${handle(SIGALRM, 'note')}
      addi sp, sp, -32
      li t0, 2000
      sd zero, 0(sp)
      sd t0, 8(sp)
      sd zero, 16(sp)
      sd t0, 24(sp)
      li a0, 0
      mv a1, sp
      li a2, 0
      li a7, 103
      ecall
      ${LOOP}
      ${NOTE_HANDLER}`);
  });

  test('from another hart, on a thread of the pool', () => {
    check(`
      ${handle(SIGUSR1, 'note')}
      ${thread(0, 'child')}
      mv s8, a0
      li t0, ${ROUNDS}
      li t1, ${WARM}
    warm:
      ld t2, 0(t0)
      blt t2, t1, warm
    again:
      li t0, 20000
    delay:
      addi t0, t0, -1
      bnez t0, delay
      mv a0, s8
      li a1, ${SIGUSR1}
      li a7, 130
      ecall
      j again
    child:
      ${LOOP}
      ${NOTE_HANDLER}`);
  });
});

describe('what main has translated', () => {
  const VCPUS = 4;
  const HOT_ROUNDS = 50_000;
  const GO = DATA + 0x1000;
  const WORK = `
    function:
      li t0, ${HOT_ROUNDS}
      li a0, 0
    work:
      add a0, a0, t0
      xori a0, a0, 5
      addi t0, t0, -1
      bnez t0, work
      ret`;
  const TEXT = `
      li s0, ${GO}
    again:
      jal ra, function
      ld t0, 0(s0)
      beqz t0, again
      ${call(2000, DATA)}
      ${call(2001, -1, 0, 0)}
      ebreak
      ${WORK}`;

  test.each([
    ['in turns', 0],
    ['on pool threads', 2],
  ])('is run by the first call of a new vCPU: %s', async (_, threads) => {
    const task = { mode: 'call', vcpus: VCPUS, function: 'function' } as const;
    const { symbols } = programOf(TEXT, task);
    const where = poolOf(threads);
    const machine = machineOf(TEXT, where, task, { engine: 'auto', stopAtFaults: true });
    machines.push(machine);
    const work = symbols.get('work')!;
    // With a pool it is a thread of its own that translates, which takes its time.
    while (!machine.isTranslated(work, work + 4)) {
      expect(machine.run(1_000_000)).toEqual({ kind: 'fuel' });
      await new Promise((resolve) => setImmediate(resolve));
    }
    machine.run(1_000_000);
    const { instructions, engineStatistics } = machine;
    machine.space.poke(GO, Uint8Array.of(1));
    expect(finish(machine)).toMatchObject({ kind: 'ebreak' });
    const ran = machine.instructions - instructions;
    expect(ran).toBeGreaterThan(4 * HOT_ROUNDS * VCPUS);
    const translated =
      machine.engineStatistics.translatedInstructions - engineStatistics.translatedInstructions;
    expect(translated / ran).toBeGreaterThan(0.97);
  });
});
