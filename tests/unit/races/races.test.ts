import { afterEach, describe, expect, test } from 'vitest';
import { check, closeMachines, DATA, EXIT, JOIN, kinds, start, type Mode } from './race-guests';

afterEach(closeMachines);

const LOAN_MODES: Mode[] = ['shared', 'call', 'fork', 'fork-here'];

/** Two vCPUs run `work`; main joins them. */
const two = (mode: Mode, work: string, after = ''): string =>
  `_start: ${start(mode, 2)} ${JOIN} ${after} ${EXIT}
   work: ${work}
   ret`;

describe('plain accesses of two vCPUs to one byte', () => {
  test.each(LOAN_MODES)('are a race in mode %s', (mode) => {
    const checked = check(two(mode, `li t0, ${DATA}\n addi t1, a0, 5\n here: sw t1, 8(t0)`));
    expect(checked.report.races).toEqual([
      {
        number: 1,
        address: DATA + 8,
        size: 4,
        from: DATA + 8,
        to: DATA + 12,
        count: 1,
        first: expect.objectContaining({
          hart: 1,
          task: 1,
          vcpu: 1,
          access: 'store',
          pc: checked.at('here'),
          value: '0x00000005',
          old: '0x00000000',
        }) as unknown,
        second: expect.objectContaining({
          hart: 2,
          task: 1,
          vcpu: 2,
          access: 'store',
          pc: checked.at('here'),
          value: '0x00000006',
          old: '0x00000005',
        }) as unknown,
      },
    ]);
  });

  test('are none when they are to different bytes of a word', () => {
    const checked = check(two('call', `li t0, ${DATA}\n add t0, t0, a0\n sb a0, 0(t0)`));
    expect(checked.report.races).toEqual([]);
  });

  test('are none when both load', () => {
    expect(check(two('call', `li t0, ${DATA}\n ld t1, 0(t0)`)).report.races).toEqual([]);
  });

  test('race when one loads what the other stores, whoever comes first', () => {
    const work = (storer: number): string =>
      `li t0, ${DATA}\n li t1, ${storer}\n beq a0, t1, stores\n lw t2, 0(t0)\n ret
      stores: sh a0, 2(t0)`;
    expect(kinds(check(two('call', work(0))))).toEqual(['store, load']);
    const late = check(two('call', work(1)));
    expect(kinds(late)).toEqual(['load, store']);
    expect(late.report.races[0]).toMatchObject({ address: DATA + 2, size: 2 });
  });

  test('are found in parts when they are not aligned', () => {
    const work = `li t0, ${DATA + 0xffd}
      slli t1, a0, 2
      add t0, t0, t1
      li t1, 0x1122334455667788
      sd t1, 0(t0)`;
    const { report } = check(two('shared', work));
    expect(report.races).toHaveLength(1);
    // vCPU 1 has stored fd to 104, vCPU 2 from 101: four bytes of the second page are both’s.
    expect(report.races[0]).toMatchObject({
      from: DATA + 0x1001,
      to: DATA + 0x1005,
      first: { value: '0x11223344' },
      second: { value: '0x55667788' },
    });
  });

  test('of the same two places in the code count as one race', () => {
    const work = `li t0, ${DATA}
      li t1, 10
    here: sw a0, 0(t0)
      addi t0, t0, 8
      addi t1, t1, -1
      bnez t1, here`;
    const { report } = check(two('call', work));
    expect(report.races).toHaveLength(1);
    expect(report.races[0]).toMatchObject({ count: 10, from: DATA, to: DATA + 76, size: 4 });
  });

  test('beyond those that are kept are counted', () => {
    const stores = [0, 8, 16, 24, 32].map((at) => `sd a0, ${at}(t0)`).join('\n');
    const { report } = check(two('call', `li t0, ${DATA}\n ${stores}`), { races: 2 });
    expect(report.races).toHaveLength(2);
    expect(report.notKept.races).toBe(3);
  });

  test('are told as they are found', () => {
    const told: number[] = [];
    const work = `li t0, ${DATA}\n sd a0, 0(t0)\n sd a0, 8(t0)`;
    check(two('call', work), { onRace: ({ address }) => told.push(address) });
    expect(told).toEqual([DATA, DATA + 8]);
  });
});

describe('starts and joins', () => {
  test.each(LOAN_MODES)('order what main does before and after a task in mode %s', (mode) => {
    const checked = check(
      `_start: li s0, ${DATA}
       sd s0, 0(s0)
       ${start(mode, 1)} ${JOIN}
       ld t0, 0(s0)
       sd zero, 0(s0)
       ${EXIT}
      work: li t0, ${DATA}
       ld t1, 0(t0)
       sd t1, 0(t0)
       ret`,
    );
    expect(checked.report.races).toEqual([]);
  });

  test('what main does meanwhile is not ordered', () => {
    const checked = check(
      `_start: ${start('call', 1)}
       li s0, ${DATA}
       sd s0, 0(s0)
       ${JOIN} ${EXIT}
      work: li t0, ${DATA}
       ld t1, 0(t0)
       ret`,
    );
    expect(kinds(checked)).toEqual(['store, load']);
    expect(checked.report.races[0].first).not.toHaveProperty('task');
  });

  test('a task that nobody has joined races with what main does later', () => {
    const checked = check(
      `_start: ${start('call', 1)}
       mv s1, a0
      wait: mv a0, s1
       li a7, 2002
       nop
       li t0, 200
      spin: addi t0, t0, -1
       bnez t0, spin
       li a7, 124
       ecall
       li s0, ${DATA}
       sd s0, 0(s0)
       ${EXIT}
      work: li t0, ${DATA}
       sd t0, 0(t0)
       ret`,
    );
    expect(kinds(checked)).toHaveLength(1);
  });

  test('a poll that says that all have ended orders as a join does', () => {
    const checked = check(
      `_start: ${start('call', 1)}
       mv s1, a0
      wait: mv a0, s1
       li a7, 2002
       ecall
       bnez a0, wait
       li s0, ${DATA}
       sd s0, 0(s0)
       ${EXIT}
      work: li t0, ${DATA}
       sd t0, 0(t0)
       ret`,
    );
    expect(checked.report.races).toEqual([]);
  });

  test('two tasks one after the other are ordered by the join between them, in flight they are not', () => {
    const work = `work: li t0, ${DATA}\n sd t0, 0(t0)\n ret`;
    const second = start('call', 1);
    const joined = check(`_start: ${start('call', 1)} ${JOIN} ${second} ${JOIN} ${EXIT} ${work}`);
    expect(joined.report.races).toEqual([]);
    const both = check(`_start: ${start('call', 1)} ${second} li a0, -1\n ${JOIN} ${EXIT} ${work}`);
    expect(kinds(both)).toEqual(['store, store']);
  });

  test('the plain calls order as well', () => {
    const plain = (wait: string): string =>
      `_start: li s0, ${DATA}
       li a0, 2
       li a1, 0
       li a7, 110
       ecall
       beqz a0, main
       slli t0, a0, 3
       add t0, t0, s0
       sd a0, 0(t0)
       li a7, 111
       ecall
      main: ${wait}
       ld t0, 8(s0)
       sd t0, 16(s0)
       ${EXIT}`;
    expect(check(plain('li a7, 111\n ecall')).report.races).toEqual([]);
  });

  test('nested tasks: what an inner vCPU did is known to who joins the outer one', () => {
    const text = (join: string): string =>
      `_start: ${start('call', 1, 'outer')} ${JOIN}
       li s0, ${DATA}
       sd s0, 0(s0)
       ${EXIT}
      outer: mv s3, ra
       ${start('call', 1, 'inner')}
       ${join}
       jr s3
      inner: li t0, ${DATA}
       sd t0, 0(t0)
       ret`;
    expect(check(text(JOIN)).report.races).toEqual([]);
  });

  test('inner vCPUs of two outer ones race', () => {
    const checked = check(
      `_start: ${start('fork-here', 2, 'outer')} ${JOIN} ${EXIT}
      outer: mv s3, ra
       ${start('fork-here', 1, 'inner')}
       ${JOIN}
       jr s3
      inner: li t0, ${DATA}
       sd t0, 0(t0)
       ret`,
    );
    // Both also write the options at the same place.
    const { races } = checked.report;
    expect(races.filter(({ address }) => address === DATA)).toHaveLength(1);
  });
});

describe('private memory', () => {
  test('the stack of fork-here is each vCPU’s own', () => {
    const checked = check(two('fork-here', 'sd a0, -16(sp)\n ld t0, -16(sp)'));
    expect(checked.report).toMatchObject({ races: [], falseSharing: [] });
  });

  test('workspaces share nothing', () => {
    const checked = check(two('workspace', `li t0, ${DATA}\n sd a0, 0(t0)`));
    expect(checked.report).toMatchObject({ races: [], falseSharing: [] });
  });

  test('a process that fork has made has memory of its own', () => {
    const checked = check(
      `_start: li a0, 17
       li a1, 0
       li a2, 0
       li a3, 0
       li a4, 0
       li a7, 220
       ecall
       li t0, ${DATA}
       sd a0, 0(t0)
       ld t1, 0(t0)
       beqz a0, end
       li a1, 0
       li a2, 0
       li a3, 0
       li a7, 260
       ecall
      end: ${EXIT}`,
    );
    expect(checked.report).toMatchObject({ races: [], falseSharing: [] });
  });

  test('a page that main maps while a vCPU runs is common when the vCPU touches it late', () => {
    const checked = check(
      `_start: ${start('call', 1)}
       mv s1, a0
       li a0, 0x40000000
       li a1, 4096
       li a2, 3
       li a3, 0x32
       li a4, -1
       li a5, 0
       li a7, 222
       ecall
       li t0, 0x40000000
       sd t0, 0(t0)
       li t1, ${DATA}
       li t2, 1
       fence rw, w
       sd t2, 0(t1)
       sd t2, 8(t0)
       mv a0, s1
       ${JOIN} ${EXIT}
      work: li t1, ${DATA}
      wait: ld t2, 0(t1)
       fence r, rw
       beqz t2, wait
       li t0, 0x40000000
       ld t3, 0(t0)
       sd t3, 8(t0)
       ret`,
    );
    expect(checked.report.races).toHaveLength(1);
    expect(checked.report.races[0]).toMatchObject({ address: 0x40000008, size: 8 });
  });
});
