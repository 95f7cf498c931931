import { describe, expect, test } from 'vitest';
import type { Machine, MachineOptions } from '../../../emulator';
import { ERRNO } from '../../../emulator/linux/abi/errno';
import { poolOf } from '../../support/host-entries';
import { keptMachines } from '../../support/kept-machines';
import { call, DATA, exit, finish, machineOf, type TaskOptions } from './stress';

const RESULTS = DATA + 0x1000;
const STATUSES = DATA + 0x2000;
const STATUS_BYTES = 72;

const machines = keptMachines();

/** Stores a0 as result `n`. */
const keep = (n: number): string => `li t0, ${RESULTS + 8 * n}\n sd a0, 0(t0)`;

const result = (machine: Machine, n: number): bigint =>
  BigInt.asIntN(64, machine.space.readU64(RESULTS + 8 * n) ?? 0n);

/** Runs a program to its end, which must be an exit with 0. */
function run(text: string, task?: TaskOptions, options?: Partial<MachineOptions>): Machine {
  const machine = machineOf(text, undefined, task, options);
  machines.push(machine);
  expect(finish(machine)).toEqual({ kind: 'exited', status: 0 });
  return machine;
}

test('the plain calls tell each failure once, and count vCPUs that there cannot be as failed', () => {
  const machine = run(`
        ${call(110, 1100, 0, 0)}
        bnez a0, vcpu
        ${call(111)}
        ${keep(0)}
        ${call(111)}
        ${keep(1)}
        ${call(110, 0, 0, 0)}
        ${keep(2)}
        ${call(111)}
        ${keep(3)}
        ${exit(0)}
      vcpu:
        li t0, ${RESULTS + 64}
        li t1, 1
        amoadd.d zero, t1, (t0)
        addi a0, a0, -3
        ${call(93)}`);
  // All but vCPU 3 exit with a code that is not 0; there is no bit 63 and no vCPU 0.
  const failed = (1n << 63n) - 1n - (1n << 3n) - (1n << 0n);
  expect([0, 1, 2, 3].map((n) => result(machine, n))).toEqual([failed, 0n, 0n, 0n]);
  expect(result(machine, 8)).toBe(1024n);
});

describe('a join', () => {
  const vcpus = { mode: 'call', vcpus: 3, function: 'function' } as const;

  test('of all tasks tells vCPUs in the order of task and id, as many as there is room for', () => {
    const machine = run(
      `
        ${call(2000, DATA)}
        ${call(2000, DATA)}
        li t0, ${STATUSES}
        li t1, ${STATUS_BYTES}
        sd t1, 0(t0)
        ${call(2001, -1, STATUSES, 5)}
        ${keep(0)}
        ${exit(0)}
      function:
        addi a0, a0, -1
        li a7, 93
        ecall`,
      vcpus,
    );
    // Of each task the second one exits with 0.
    expect(result(machine, 0)).toBe(4n);
    const told = Array.from({ length: 6 }, (_, i) =>
      [8, 16, 56].map((field) => machine.space.readNumber64(STATUSES + STATUS_BYTES * i + field)),
    );
    const rest = [0, 0, 0];
    expect(told).toEqual([[1, 1, 255], [1, 2, 0], [1, 3, 1], [2, 1, 255], [2, 2, 0], rest]);
  });

  test.each([0, 2])('tells wild addresses as they are (%i pool threads)', (threads) => {
    const machine = machineOf(
      `
        ${call(2000, DATA)}
        li t0, ${STATUSES}
        li t1, ${STATUS_BYTES}
        sd t1, 0(t0)
        ${call(2001, -1, STATUSES, 3)}
        ${exit(0)}
      function:
        li t0, 100000
      busy:
        addi t0, t0, -1
        bnez t0, busy
        beqz a0, loads
        addi a0, a0, -1
        beqz a0, jumps
        li t0, 0x100000000
        sd t1, 8(t0)
      loads:
        ld t1, -8(t0)
      jumps:
        jr -16(t0)`,
      poolOf(threads),
      vcpus,
    );
    machines.push(machine);
    expect(finish(machine)).toEqual({ kind: 'exited', status: 0 });
    const addresses = [0, 1, 2].map((i) => machine.space.readU64(STATUSES + STATUS_BYTES * i + 48));
    expect(addresses).toEqual([(1n << 64n) - 8n, (1n << 64n) - 16n, (1n << 32n) + 8n]);
    const jumpedTo = machine.space.readU64(STATUSES + STATUS_BYTES + 40);
    expect(jumpedTo).toBe((1n << 64n) - 16n);
  });

  test('is of the hart’s own tasks: others are ECHILD', () => {
    const machine = run(
      `
        ${call(2000, DATA)}
        ${call(2001, 1, 0, 0)}
        ${exit(0)}
      function:
        mv s0, a0
        ${call(2001, 1, 0, 0)}
        mv s1, a0
        ${call(2002, 1)}
        slli t0, s0, 4
        li t1, ${RESULTS}
        add t0, t0, t1
        sd s1, 0(t0)
        sd a0, 8(t0)
        ret`,
      vcpus,
    );
    const results = [0, 1, 2, 3, 4, 5].map((n) => result(machine, n));
    expect(results).toEqual(Array(6).fill(BigInt(-ERRNO.ECHILD)));
  });
});

test('a vCPU that ends leaves its own tasks running, and their stores come to main', () => {
  const machine = run(
    `
      ${call(110, 1, 0, 0)}
      bnez a0, vcpu
    wait:
      li t0, ${RESULTS}
      fence
      ld t1, 0(t0)
      li t2, 3
      bne t1, t2, wait
      ${exit(0)}
    vcpu:
      li t0, ${DATA}
      la t1, function
      sd t1, 40(t0)
      ${call(2000, DATA)}
      ${call(111)}
    function:
      li t0, 20000
    later:
      addi t0, t0, -1
      bnez t0, later
      li t0, ${RESULTS}
      li t1, 1
      amoadd.d zero, t1, (t0)
      ret`,
    { mode: 'call', vcpus: 3, function: 'function' },
  );
  expect(machine.tasks.list()).toEqual([]);
  expect(machine.liveHarts).toHaveLength(1);
});
