import { describe, expect, test } from 'vitest';
import { READ, WRITE, type EngineKind, type Machine } from '../../../emulator';
import { poolOf } from '../../support/host-entries';
import { keptMachines } from '../../support/kept-machines';
import { call, DATA, exit, finish, machineOf } from './stress';

/** Pages that main maps and never touches. */
const FRESH = 0x200000;
/** Where nothing is mapped before it is asked for, or a vCPU maps it. */
const MISSING = 0x300000;
const READ_WRITE = 3;
const MAP_PRIVATE_FIXED_ANONYMOUS = 0x32;
/** So much a vCPU may run: one that does not see a store fails instead of running for ever. */
const LIMIT = 400_000_000;

const map = (at: number, pages: number): string =>
  call(222, at, pages * 4096, READ_WRITE, MAP_PRIVATE_FIXED_ANONYMOUS, -1, 0);

const machines = keptMachines();

function start(text: string, engine: EngineKind, threads: number, mode?: 'call'): Machine {
  const where = poolOf(threads);
  const task = mode && { mode, vcpus: 2, function: 'work' };
  const machine = machineOf(text, where, task, { engine, vcpuLimit: LIMIT });
  machines.push(machine);
  return machine;
}

const ENGINES = ['interpreter', 'translator'] as const;
const PAGES = 64;

/**
 * A vCPU that reads fresh pages, lets the host write main's, and reads them again before and after `between`.
 * Leaves in DATA how often it saw the store before, and how often after.
 */
const READER = (between: string): string => `
    ${map(FRESH, PAGES)}
    ${call(110, 1, 0)}
    beqz a0, main
    li s0, ${PAGES}
    li s2, ${FRESH}
    li s3, ${MISSING}
    li s4, ${DATA + 0x1000}
    sd x0, 0(s4)
  page:
    ld t0, 0(s2)
    ld t1, 0(s3)
    ld t2, 0(s2)
    ${between}
    ld t3, 0(s2)
    snez t2, t2
    add s5, s5, t2
    snez t3, t3
    add s6, s6, t3
    li t4, 4096
    add s2, s2, t4
    add s3, s3, t4
    addi s0, s0, -1
    bnez s0, page
    li t0, ${DATA}
    sd s5, 0(t0)
    sd s6, 8(t0)
    ${call(111)}
  main:
    ${call(111)}
    ${exit(0)}`;

describe.each(ENGINES)('a stale page, in the %s', (engine) => {
  const seen = (between: string): readonly unknown[] => {
    const machine = start(READER(between), engine, 0);
    machine.space.hooks.onMissingPage = (page) => {
      const at = page * 4096;
      if (at < MISSING || at >= MISSING + PAGES * 4096) return false;
      machine.space.map(at, 4096, READ | WRITE);
      return machine.space.writeU64(at - MISSING + FRESH, 7n);
    };
    expect(finish(machine)).toEqual({ kind: 'exited', status: 0 });
    const { translatedInstructions } = machine.engineStatistics;
    expect(translatedInstructions > 0).toBe(engine === 'translator');
    return [DATA, DATA + 8].map((at) => machine.space.readNumber64(at));
  };

  test.each([
    'fence',
    'fence r, r',
    'fence w, r',
    'lr.d t4, (s4)',
    'amoadd.d x0, x0, (s4)',
    'li a7, 172\necall',
  ])('is adopted at %s', (between) => {
    expect(seen(between)).toEqual([0, PAGES]);
  });

  test.each(['nop', 'sd x0, 8(s4)'])('stays as it is at %s', (between) => {
    expect(seen(between)).toEqual([0, 0]);
  });
});

/**
 * The first vCPU has seen two fresh pages and waits for a store to one of them; the second stores to the other, to one
 * that it maps itself, and then to the first. The first checks what it sees.
 */
const SPINNER = (fence: string): string => `
    li s3, ${DATA + 0x1000}
    li s2, ${FRESH}
    li s1, ${FRESH + 0x1000}
    bnez a0, writer
    ld t0, 0(s2)
    ld t1, 0(s1)
    li t2, 1
    amoadd.d x0, t2, (s3)
  spin:
    ld t0, 0(s2)
    ${fence}
    beqz t0, spin
    fence r, r
    ld t1, 0(s1)
    li t2, 42
    bne t1, t2, wrong
    li t3, ${MISSING}
    ld t1, 0(t3)
    li t2, 43
    bne t1, t2, wrong
    ${call(111)}
  wrong:
    unimp
  writer:
    amoor.d t0, x0, (s3)
    beqz t0, writer
    li t0, 100000
  delay:
    addi t0, t0, -1
    bnez t0, delay
    ${map(MISSING, 1)}
    li t0, ${MISSING}
    li t1, 43
    sd t1, 0(t0)
    li t1, 42
    sd t1, 0(s1)
    fence w, w
    sd t1, 0(s2)
    ${call(111)}`;

const PLAIN = (fence: string): string => `
    ${map(FRESH, 2)}
    ${call(110, 2, 0)}
    addi a0, a0, -1
    bgez a0, work
    ${call(111)}
    snez a0, a0
    li a7, 94
    ecall
  work:
    ${SPINNER(fence)}`;

const CALL = (fence: string): string => `
    ${map(FRESH, 2)}
    li t0, ${DATA}
    li t1, ${LIMIT}
    sd t1, 56(t0)
    ${call(2000, DATA)}
    ${call(2001, -1, 0, 0)}
    li a7, 94
    ecall
  work:
    ${SPINNER(fence)}`;

describe.each(ENGINES)(
  'a vCPU that spins sees another’s store to a fresh page, in the %s',
  (engine) => {
    describe.each([
      ['in turns', 0],
      ['on pool threads', 2],
    ])('%s', (_, threads) => {
      test.each([
        ['without a fence', 'nop'],
        ['with one that does not order loads', 'fence w, w'],
        ['with a fence', 'fence r, r'],
        ['with an atomic', 'amoadd.d x0, x0, (s3)'],
      ])('%s in its loop', (_name, fence) => {
        expect(finish(start(PLAIN(fence), engine, threads))).toEqual({ kind: 'exited', status: 0 });
        const called = start(CALL(fence), engine, threads, 'call');
        expect(finish(called)).toEqual({ kind: 'exited', status: 0 });
      });
    });
  },
);
