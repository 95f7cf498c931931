import { afterEach, describe, expect, test } from 'vitest';
import { check, closeMachines, DATA, EXIT, JOIN, start, type Mode } from './race-guests';

afterEach(closeMachines);

/** Two vCPUs add to a counter of their own 1000 times; the counters lie `distance` (a power of two) bytes apart. */
const counters = (shift: number, mode: Mode = 'call'): ReturnType<typeof check> =>
  check(
    `_start: ${start(mode, 2)} ${JOIN} ${EXIT}
    work: li t0, ${DATA}
      slli t1, a0, ${shift}
      add t0, t0, t1
      li t1, 1000
    again: lw t2, 0(t0)
      addi t2, t2, 1
    here: sw t2, 0(t0)
      addi t1, t1, -1
      bnez t1, again
      ret`,
  );

describe('false sharing', () => {
  test('is two harts’ counters in one cache line, with how often both used it', () => {
    const { report, at } = counters(3);
    expect(report.races).toEqual([]);
    expect(report.falseSharing).toEqual([
      {
        level: 'line',
        address: DATA,
        size: 64,
        count: 4000,
        first: {
          hart: 1,
          task: 1,
          vcpu: 1,
          loads: 1000,
          stores: 1000,
          loadPc: at('again'),
          storePc: at('here'),
          from: DATA,
          to: DATA + 4,
        },
        second: {
          hart: 2,
          task: 1,
          vcpu: 2,
          loads: 1000,
          stores: 1000,
          loadPc: at('again'),
          storePc: at('here'),
          from: DATA + 8,
          to: DATA + 12,
        },
      },
    ]);
  });

  test('of a page is told for counters in lines of their own', () => {
    const { report } = counters(6);
    expect(report.falseSharing).toMatchObject([
      {
        level: 'page',
        address: DATA,
        size: 4096,
        first: { from: DATA, to: DATA + 64 },
        second: { from: DATA + 64, to: DATA + 128 },
      },
    ]);
  });

  test('is nothing for counters in pages of their own', () => {
    expect(counters(12).report.falseSharing).toEqual([]);
  });

  test('is no race, and a race is no false sharing', () => {
    const { report } = check(
      `_start: ${start('shared', 2)} ${JOIN} ${EXIT}
      work: li t0, ${DATA}
        add t1, t0, a0
        sb a0, 8(t1)
        sw a0, 0(t0)
        ret`,
    );
    expect(report.races).toHaveLength(1);
    expect(report.falseSharing).toEqual([]);
  });

  test('needs a store, and two harts that nothing orders', () => {
    const both = check(
      `_start: li s0, ${DATA}
       sw s0, 0(s0)
       ${start('call', 2)} ${JOIN}
       sw s0, 0(s0)
       ${EXIT}
      work: li t0, ${DATA}
       slli t1, a0, 3
       add t0, t0, t1
       lw t1, 0(t0)
       ret`,
    );
    expect(both.report.falseSharing).toEqual([]);
  });

  test('counts add up over tasks of the same harts', () => {
    const { report } = check(
      `_start: li s5, 3
      tasks: ${start('call', 2)} ${JOIN}
       addi s5, s5, -1
       bnez s5, tasks
       ${EXIT}
      work: li t0, ${DATA}
       slli t1, a0, 3
       add t0, t0, t1
       sd a0, 0(t0)
       ret`,
    );
    expect(report.falseSharing).toMatchObject([{ level: 'line', count: 6 }]);
  });
});
