import { describe, expect, test } from 'vitest';
import type { Machine } from '../../../emulator';
import { checkTables } from '../../../emulator/memory/check';
import { poolOf } from '../../support/host-entries';
import { keptMachines } from '../../support/kept-machines';
import { call, DATA, exit, finish, machineOf } from './stress';

const MAP_PRIVATE_FIXED_ANONYMOUS = 0x32;
/** Where vCPUs map memory, and main's own. */
const FRESH = 0x300000;
const OLD = 0x400000;
const STATUSES = DATA + 0x10000;
const STATUS_BYTES = 72;
/** Field of a status that holds the reason. */
const REASON = 4;
const RETURNED = 1;
const NOT_STARTED = 8;

const machines = keptMachines();

function on(threads: number, ...[text, task]: [string, Parameters<typeof machineOf>[2]?]): Machine {
  const machine = machineOf(text, poolOf(threads), task);
  machines.push(machine);
  return machine;
}

const map = (at: number, bytes: number): string =>
  call(222, at, bytes, 3, MAP_PRIVATE_FIXED_ANONYMOUS, -1, 0);

describe.each([0, 2])('with %i pool threads', (threads) => {
  test('a task has 1024 vCPUs; of a second one beside it those start that there is room for', () => {
    // The first task's vCPUs wait for a word of main's; the second one's only end.
    const machine = on(
      threads,
      `
        ${call(2000, DATA)}
        blez a0, bad
        mv s0, a0
        li t0, ${DATA}
        la t1, ends
        sd t1, 40(t0)
        ${call(2000, DATA)}
        blez a0, bad
        li t0, ${STATUS_BYTES}
        li a1, ${STATUSES}
        sd t0, 0(a1)
        li a2, 1024
        li a7, 2001
        ecall
        mv s1, a0
        li t0, ${DATA + 0x1000}
        li t1, 1
        amoadd.d x0, t1, (t0)
        mv a0, s0
        li a1, 0
        li a7, 2001
        ecall
        bnez a0, bad
        li t0, ${DATA + 0x1008}
        ld t1, 0(t0)
        li t2, 1024
        bne t1, t2, bad
        sd s1, 0(t0)
        ${exit(0)}
      bad:
        ${exit(1)}
      waits:
        li t0, ${DATA + 0x1000}
        amoor.d t1, x0, (t0)
        beqz t1, waits
        li t1, 1
        addi t0, t0, 8
        amoadd.d x0, t1, (t0)
      ends:
        ret`,
      { mode: 'shared', vcpus: 1024, function: 'waits', stackBase: OLD, stackSize: 4096 },
    );
    expect(finish(machine)).toEqual({ kind: 'exited', status: 0 });
    const failed = machine.space.readNumber64(DATA + 0x1008) ?? 0;
    const reasons = Array.from({ length: 1024 }, (_, i) =>
      machine.space.readNumber64(STATUSES + STATUS_BYTES * i + 8 * REASON),
    );
    expect(reasons.filter((reason) => reason === NOT_STARTED)).toHaveLength(failed);
    expect(reasons.filter((reason) => reason === RETURNED)).toHaveLength(1024 - failed);
    expect(failed).toBeGreaterThan(0);
    expect(failed).toBeLessThan(1024);
  });

  test('what a vCPU maps, unmaps, protects and adds to the heap is so for main', () => {
    const machine = on(
      threads,
      `
        ${map(OLD, 0x2000)}
        li t0, ${OLD}
        sd t0, 0(t0)
        ${call(214, 0)}
        mv s0, a0
        ${call(110, 1, 0)}
        bnez a0, vcpu
        ${call(111)}
        bnez a0, bad
        li t0, ${FRESH}
        ld t1, 0(t0)
        li t2, 42
        bne t1, t2, bad
        ld t1, 0(s0)
        bne t1, t2, bad
        ${call(214, 0)}
        li t0, 4096
        add t0, t0, s0
        bne a0, t0, bad
        ${call(113, 1, OLD)}
        li t0, -14
        bne a0, t0, bad
        ${call(113, 1, OLD + 0x1000)}
        bne a0, t0, bad
        ${exit(0)}
      vcpu:
        ${map(FRESH, 4096)}
        li t2, 42
        sd t2, 0(a0)
        li a0, 4096
        add a0, a0, s0
        li a7, 214
        ecall
        sd t2, 0(s0)
        ${call(215, OLD, 0x1000)}
        ${call(226, OLD + 0x1000, 0x1000, 1)}
        ${call(111)}
      bad:
        ${exit(1)}`,
    );
    expect(finish(machine)).toEqual({ kind: 'exited', status: 0 });
    expect(checkTables(machine.arena)).toEqual([]);
  });

  test('a thread of the guest starts vCPUs on its own stack, of which each has a private copy', () => {
    const CLONE_FLAGS = 0x250f00;
    const ENDED = DATA + 0x1008;
    const machine = on(
      threads,
      `
        ${map(OLD, 0x10000)}
        li t0, ${ENDED}
        li t1, 1
        sw t1, 0(t0)
        ${call(220, CLONE_FLAGS, OLD + 0xf000, 0, 0, ENDED)}
        beqz a0, thread
      wait:
        ${call(98, ENDED, 0, 1, 0)}
        li t0, ${ENDED}
        lw t1, 0(t0)
        bnez t1, wait
        ${exit(0)}
      thread:
        li s0, 7
        sd s0, -8(sp)
        li s1, ${DATA + 0x1000}
        ${call(110, 3, 0)}
        beqz a0, maker
        sd a0, -8(sp)
        amoadd.d x0, a0, (s1)
        ${call(111)}
      maker:
        ${call(111)}
        bnez a0, bad
        ld t0, -8(sp)
        bne t0, s0, bad
        amoadd.d x0, s0, (s1)
        ${call(93, 0)}
      bad:
        ${exit(1)}`,
    );
    expect(finish(machine)).toEqual({ kind: 'exited', status: 0 });
    expect(machine.space.readNumber64(DATA + 0x1000)).toBe(1 + 2 + 3 + 7);
  });
});
