import { describe, expect, test } from 'vitest';
import type { Machine } from '../../../emulator';
import { checkTables } from '../../../emulator/memory/check';
import {
  DATA,
  STATUS,
  STATUS_BYTES,
  workspaceMachine,
  type WorkspaceGuest,
} from '../../support/workspace-guest';
import { keptMachines } from '../../support/kept-machines';

const KEEP_FAILED = 1;
const ALLOW_EFFECTS = 2;

const machines = keptMachines();

function machineOf(
  work: string,
  guest: WorkspaceGuest = {},
): { readonly machine: Machine; readonly text: () => string } {
  const { machine, streams } = workspaceMachine(work, guest, {});
  machines.push(machine);
  return { machine, text: () => streams.text() };
}

const word = (machine: Machine, i: number): bigint => machine.space.readU64(DATA + 8 * i) ?? -1n;
const reason = (machine: Machine, id: number): bigint | undefined =>
  machine.space.readU64(STATUS + STATUS_BYTES * (id - 1) + 32);
const [RETURNED, FAULT, CONFLICT] = [1n, 3n, 7n];

describe('workspaces', () => {
  test('what vCPUs write to different bytes all arrives, and main’s own writes too', () => {
    const { machine } = machineOf(
      `li t0, ${DATA}
       slli t1, s0, 3
       add t0, t0, t1
       sd s0, 0(t0)
       add t0, t0, s0
       sb s0, 64(t0)`,
      { after: `li t0, ${DATA}\n li t1, 55\n sd t1, 0(t0)` },
    );
    expect(machine.runToEnd(1e6)).toEqual({ kind: 'exited', status: 0 });
    expect([0, 1, 2, 3].map((i) => word(machine, i))).toEqual([55n, 1n, 2n, 3n]);
    expect([1, 2, 3].map((id) => reason(machine, id))).toEqual([RETURNED, RETURNED, RETURNED]);
    expect(checkTables(machine.space.arena)).toEqual([]);
  });

  test('nobody sees another’s writes before the join', () => {
    const { machine } = machineOf(
      `li t0, ${DATA}
       ld t1, 0(t0)
       slli t2, s0, 3
       add t2, t2, t0
       sd t1, 64(t2)
       amoadd.d zero, s0, (t0)`,
      { before: `li t0, ${DATA}\n li t1, 7\n sd t1, 0(t0)` },
    );
    machine.runToEnd(1e6);
    expect([9, 10, 11].map((i) => word(machine, i))).toEqual([7n, 7n, 7n]);
  });

  test('one byte with two values is a conflict of the later hart; the earlier value stays', () => {
    const { machine } = machineOf(`li t0, ${DATA}\n sb s0, 5(t0)`);
    expect(machine.runToEnd(1e6)).toEqual({ kind: 'exited', status: 2 });
    expect(machine.space.readU8(DATA + 5)).toBe(1);
    expect([1, 2, 3].map((id) => reason(machine, id))).toEqual([RETURNED, CONFLICT, CONFLICT]);
    expect(machine.space.readU64(STATUS + STATUS_BYTES + 48)).toBe(BigInt(DATA + 5));
  });

  test('one byte with one value is no conflict', () => {
    const { machine } = machineOf(`li t0, ${DATA}\n li t1, 9\n sb t1, 5(t0)`);
    expect(machine.runToEnd(1e6)).toEqual({ kind: 'exited', status: 0 });
    expect(machine.space.readU8(DATA + 5)).toBe(9);
  });

  test('the workspace of a vCPU that failed is dropped unless the task keeps it', () => {
    const work = `li t0, ${DATA}
      slli t1, s0, 3
      add t0, t0, t1
      sd s0, 0(t0)
      li t1, 2
      bne s0, t1, fine
      sd zero, 0(zero)
    fine:`;
    const dropped = machineOf(work).machine;
    expect(dropped.runToEnd(1e6)).toEqual({ kind: 'exited', status: 1 });
    expect([1, 2, 3].map((i) => word(dropped, i))).toEqual([1n, 0n, 3n]);
    expect(reason(dropped, 2)).toBe(FAULT);
    const kept = machineOf(work, { flags: KEEP_FAILED }).machine;
    kept.runToEnd(1e6);
    expect([1, 2, 3].map((i) => word(kept, i))).toEqual([1n, 2n, 3n]);
  });

  test('what vCPUs write to the stack that the caller tells of stays theirs, to another one arrives', () => {
    const [bottom, bytes] = [DATA + 0x10000, 0x4000];
    const { machine } = machineOf(
      `sd s0, -8(sp)
       slli t1, s0, 3
       sub t1, s2, t1
       sd s0, 0(t1)`,
      {
        stack: [bottom, bytes],
        before: `mv s2, sp\n li sp, ${bottom + bytes}\n li t1, 55\n sd t1, -8(sp)`,
        after: 'sd s2, -16(sp)',
      },
    );
    expect(machine.runToEnd(1e6)).toEqual({ kind: 'exited', status: 0 });
    expect(machine.space.readU64(bottom + bytes - 8)).toBe(55n);
    const former = machine.space.readNumber64(bottom + bytes - 16) ?? 0;
    const words = [1, 2, 3].map((id) => machine.space.readU64(former - 8 * id));
    expect(words).toEqual([1n, 2n, 3n]);
  });

  test('what vCPUs print comes out at the join, in hart order', () => {
    const { machine, text } = machineOf(
      `li t0, ${DATA + 0x800}
       addi t1, s0, 48
       sb t1, 0(t0)
       li t3, 4
       sub t3, t3, s0
       li t4, 1000
       mul t3, t3, t4
     busy:
       addi t3, t3, -1
       bnez t3, busy
       li a0, 1
       mv a1, t0
       li a2, 1
       li a7, 64
       ecall`,
    );
    // Each has written another value to the same byte, which does not keep the output back.
    expect(machine.runToEnd(1e6)).toEqual({ kind: 'exited', status: 2 });
    expect(text()).toBe('123');
  });

  test('other effects outside are EPERM; memory that a vCPU maps joins with it', () => {
    const { machine } = machineOf(
      `li a7, 172
       ecall
       li t0, ${DATA}
       slli t1, s0, 3
       add s2, t0, t1
       sd a0, 0(s2)
       li a0, 0
       li a1, 4096
       li a2, 3
       li a3, 0x22
       li a4, -1
       li a5, 0
       li a7, 222
       ecall
       sd a0, 64(s2)
       sd s0, 0(a0)`,
    );
    expect(machine.runToEnd(1e6)).toEqual({ kind: 'exited', status: 0 });
    for (const id of [1, 2, 3]) {
      expect(BigInt.asIntN(64, word(machine, id))).toBe(-1n);
      const mapped = Number(word(machine, 8 + id));
      expect(machine.space.readU64(mapped)).toBe(BigInt(id));
    }
  });

  test('effects outside are possible where the task allows them', () => {
    const { machine } = machineOf(
      `li a7, 172
       ecall
       li t0, ${DATA}
       slli t1, s0, 3
       add t0, t0, t1
       sd a0, 0(t0)`,
      { flags: ALLOW_EFFECTS },
    );
    expect(machine.runToEnd(1e6)).toEqual({ kind: 'exited', status: 0 });
    const { pid } = machine.current.owner;
    expect([1, 2, 3].map((id) => word(machine, id))).toEqual([pid, pid, pid].map(BigInt));
  });

  test('time is a nanosecond for each instruction: by the CSR, of 10 MHz, and by the system call', () => {
    const { machine } = machineOf(
      `li t0, ${DATA}
       slli t1, s0, 6
       add s2, t0, t1
       li t0, 1000
     busy:
       addi t0, t0, -1
       bnez t0, busy
       rdinstret t1
       rdtime t2
       addi t1, t1, 1
       li t3, 100
       divu t1, t1, t3
       sub t1, t2, t1
       sd t1, 0(s2)
       li a0, 1
       addi a1, s2, 8
       li a7, 113
       rdinstret t1
       ecall
       ld t2, 16(s2)
       sub t2, t2, t1
       sd t2, 16(s2)`,
    );
    expect(machine.runToEnd(1e6)).toEqual({ kind: 'exited', status: 0 });
    const found = [1, 2, 3].map((id) => [0, 1, 2].map((n) => word(machine, 8 * id + n)));
    expect(found).toEqual(Array(3).fill([0n, 0n, 1n]));
  });

  test('brk tells where the heap ends and does not move it', () => {
    const { machine } = machineOf(
      `li a0, 0
       li a7, 214
       ecall
       mv s1, a0
       li t0, 0x10000
       add a0, s1, t0
       ecall
       sub s1, a0, s1
       li t0, ${DATA}
       slli t1, s0, 4
       add t0, t0, t1
       sd s1, 0(t0)
       sd a0, 8(t0)`,
    );
    expect(machine.runToEnd(1e6)).toEqual({ kind: 'exited', status: 0 });
    const { heap } = machine.kernel.areas;
    expect([2, 4, 6].map((i) => word(machine, i))).toEqual([0n, 0n, 0n]);
    expect(word(machine, 3)).toBe(BigInt(heap.end));
  });

  test('left unjoined they are dropped, and nothing of them stays', () => {
    const text = `li t0, ${DATA}\n sd s0, 0(t0)`;
    const { machine } = machineOf(text, { after: 'li a0, 4\n li a7, 93\n ecall' });
    expect(machine.runToEnd(1e6)).toEqual({ kind: 'exited', status: 4 });
    expect(word(machine, 0)).toBe(0n);
    expect(checkTables(machine.space.arena)).toEqual([]);
    expect(machine.space.arena.spaces.used).toBe(1);
  });
});
