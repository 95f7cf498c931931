import { afterEach, describe, expect, test } from 'vitest';
import { checkTables } from '../../../emulator/memory/check';
import { closeMachines, DATA, EXIT, JOIN, run, start } from './race-guests';

afterEach(closeMachines);

const KEEP_FAILED = 1;
const ALLOW_EFFECTS = 2;

/** Two vCPUs run `work` (id − 1 in a0) in workspaces; main runs `meanwhile` and joins. */
const two = (work: string, { flags = 0, meanwhile = '' } = {}): ReturnType<typeof run> =>
  run(
    `_start: ${start('workspace', 2, 'work', flags)}
      mv s1, a0
      ${meanwhile}
      mv a0, s1
      ${JOIN} ${EXIT}
    work: ${work}
      ret`,
  );

describe('conflicts of workspaces', () => {
  test('have both harts, values and the last stores of both, with the old value', () => {
    const { machine, at } = two(
      `li t0, ${DATA}
       bnez a0, second
       li t1, 0x1111
      one: sh t1, 4(t0)
       ret
      second: li t1, 0x22
       sb t1, 4(t0)
       li t1, 0x2233
      two: sh t1, 4(t0)
      other: sb t1, 6(t0)`,
    );
    expect(machine.conflicts).toMatchObject({
      notKept: 0,
      conflicts: [
        {
          task: 1,
          address: DATA + 4,
          size: 2,
          old: '0x0000',
          first: { hart: 1, vcpu: 1, value: '0x1111', pc: at('one'), instructions: 7 },
          second: { hart: 2, vcpu: 2, value: '0x2233', pc: at('two'), instructions: 9 },
        },
      ],
    });
    expect(checkTables(machine.arena)).toEqual([]);
  });

  test('with the owner have its hart and no pc', () => {
    const { machine, at } = two(
      `li t0, ${DATA}\n bnez a0, end\n li t1, 7\n here: sb t1, 0(t0)\n end:`,
      { meanwhile: `li t0, ${DATA}\n li t1, 5\n sb t1, 0(t0)` },
    );
    expect(machine.conflicts.conflicts).toMatchObject([
      {
        address: DATA,
        first: { hart: 0, value: '0x05' },
        second: { hart: 1, vcpu: 1, value: '0x07', pc: at('here') },
      },
    ]);
    expect(machine.conflicts.conflicts[0].first).not.toHaveProperty('pc');
  });

  test('are found again through system calls, virtual time, mappings and their own hart number', () => {
    const { machine, at } = two(
      `li a0, 0
       li a1, 4096
       li a2, 3
       li a3, 0x22
       li a4, -1
       li a5, 0
       li a7, 222
       ecall
       mv s0, a0
       mv a1, s0
       li a0, 1
       li a7, 113
       ecall
       ld s2, 8(s0)
       csrr s3, mhartid
       li a0, 1
       mv a1, s0
       li a2, 3
       li a7, 64
       ecall
       add s2, s2, a0
       add s2, s2, s3
       li t0, ${DATA}
      here: sd s2, 8(t0)`,
    );
    const { conflicts } = machine.conflicts;
    // The clocks of both are equal: only the low byte differs, by the hart's number.
    expect(conflicts).toHaveLength(1);
    expect(conflicts[0]).toMatchObject({
      address: DATA + 8,
      size: 1,
      first: { pc: at('here') },
      second: { pc: at('here') },
    });
    const [one, two_] = [conflicts[0].first.value, conflicts[0].second.value].map(Number);
    expect(two_ - one).toBe(1);
  });

  test('have no pcs where running again may not come to the same', () => {
    const work = `li t0, ${DATA}\n sb a0, 1(t0)\n li t1, 9\n add t1, t1, a0\n sb t1, 0(t0)`;
    const { machine } = two(work, { flags: ALLOW_EFFECTS });
    const [{ first, second }] = machine.conflicts.conflicts;
    expect([first.value, second.value]).toEqual(['0x09', '0x0a']);
    expect([first, second].filter((side) => 'pc' in side)).toEqual([]);
  });

  test('are told for a vCPU that failed when its task keeps what it wrote', () => {
    const work = `li t0, ${DATA}
      addi t1, a0, 9
     here: sb t1, 0(t0)
      ld t1, 0(zero)`;
    const { machine, at } = two(work, { flags: KEEP_FAILED });
    expect(machine.conflicts.conflicts).toMatchObject([
      { first: { vcpu: 1, pc: at('here') }, second: { vcpu: 2, pc: at('here') } },
    ]);
  });

  test('of many bytes are ranges of up to eight with the same stores', () => {
    const { machine } = two(
      `li t0, ${DATA}
       li t1, 0x0101010101010101
       addi a0, a0, 1
       mul t1, t1, a0
       sd t1, 3(t0)
       sd t1, 11(t0)
       sd t1, 32(t0)`,
    );
    const ranges = machine.conflicts.conflicts.map(({ address, size }) => [address - DATA, size]);
    expect(ranges).toEqual([
      [3, 8],
      [11, 8],
      [32, 8],
    ]);
  });

  test('in task after task are told; of later ones, when it has cost enough, without pcs', () => {
    const { machine } = run(
      `_start: li s5, 120
      tasks: ${start('workspace', 2)} ${JOIN}
       addi s5, s5, -1
       bnez s5, tasks
       ${EXIT}
      work: li t0, ${DATA}
       addi t1, a0, 1
       slli t2, s5, 1
       add t1, t1, t2
       sb t1, 0(t0)
       ret`,
    );
    const { conflicts } = machine.conflicts;
    expect(conflicts).toHaveLength(120);
    expect(conflicts[0].second).toHaveProperty('pc');
    expect(conflicts[119].second).not.toHaveProperty('pc');
    expect(machine.liveHarts).toHaveLength(1);
    expect(checkTables(machine.arena)).toEqual([]);
  });
});
