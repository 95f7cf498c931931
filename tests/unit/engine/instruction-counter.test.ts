import { afterEach, describe, expect, test } from 'vitest';
import type { HartReading } from '../../../emulator/engine/hart-counts';
import { CODE, closeGuests, DATA, guest, type AssemblyGuest } from '../../support/assembly-guest';
import { countHart, type CountedHart } from '../../support/counted-hart';

afterEach(closeGuests);

/** A guest whose instructions are counted. */
function counted(text: string): { guest: AssemblyGuest; counter: CountedHart } {
  const made = guest(text, { registers: { sp: DATA + 0x1000 } });
  return { guest: made, counter: countHart(made) };
}

/** Executions by offset from the start of the code. */
const byOffset = ({ counts }: HartReading): [number, number][] =>
  [...counts.addresses].map((address, i) => [address - CODE, counts.executions[i]]);

const LOOP = `
  li   a0, 10
loop:
  addi a0, a0, -1
  andi a1, a0, 1
  beqz a1, even
  addi a2, a2, 1
even:
  bnez a0, loop
  ebreak
`;

describe('counting instructions', () => {
  test('gives each its executions and each branch how often it was taken', () => {
    const { guest: made, counter } = counted(LOOP);
    expect(made.run(1000).kind).toBe('ebreak');
    const taken = counter.read()!;
    expect(byOffset(taken).map(([, count]) => count)).toEqual([1, 10, 10, 10, 5, 10]);
    expect([...taken.counts.taken]).toEqual([0, 0, 0, 5, 0, 9]);
  });

  test('comes to the same in whatever pieces it runs', () => {
    const whole = counted(LOOP);
    whole.guest.run(1000);
    const expected = byOffset(whole.counter.read()!);
    for (const piece of [1, 2, 3, 7, 13]) {
      const { guest: made, counter } = counted(LOOP);
      while (made.run(piece).kind === 'fuel');
      expect(byOffset(counter.read()!)).toEqual(expected);
    }
  });

  test('can be read meanwhile, and begin anew', () => {
    const { guest: made, counter } = counted(LOOP);
    const sum = (): number =>
      counter.read()!.counts.executions.reduce((total, count) => total + count, 0);
    made.run(12);
    expect(sum()).toBe(12);
    expect(sum()).toBe(12);
    made.run(10);
    expect(sum()).toBe(22);
    counter.forget();
    expect(counter.read()).toBeUndefined();
    made.run(1000);
    expect(sum()).toBe(made.state.instret - 22);
  });

  test('counts what the host runs: CSR instructions', () => {
    const { guest: made, counter } = counted(`
      li a0, 3
    again:
      csrr a1, instret
      addi a0, a0, -1
      bnez a0, again
      ebreak
    `);
    made.run(1000);
    expect(byOffset(counter.read()!).map(([, count]) => count)).toEqual([1, 3, 3, 3]);
  });

  test('follows code that changes itself', () => {
    const { guest: made, counter } = counted(`
      la   a0, patch
      lui  a1, 0x00b50
      addi a1, a1, 0x513 - 0x500 + 0x500
      li   a3, 2
    again:
    patch:
      addi a5, a5, 1
      fence.i
      addi a3, a3, -1
      bnez a3, again
      ebreak
    `);
    made.run(1000);
    const sum = counter.read()!.counts.executions.reduce((total, count) => total + count, 0);
    expect(sum).toBe(made.state.instret);
  });
});

describe('counting calls', () => {
  const CALLS = `
      li   s0, 3
    again:
      jal  ra, outer
      addi s0, s0, -1
      bnez s0, again
      ebreak
    outer:
      sd   ra, 0(sp)
      jal  ra, inner
      jal  ra, inner
      ld   ra, 0(sp)
      ret
    inner:
      addi a0, a0, 1
      ret
  `;

  test('gives a tree with calls and instructions of each function', () => {
    const { guest: made, counter } = counted(CALLS);
    expect(made.run(1000).kind).toBe('ebreak');
    const { calls, counts } = counter.read()!;
    const [, root] = calls;
    expect(root.edges).toHaveLength(1);
    const outer = calls[root.edges[0].node];
    expect([outer.calls, outer.self]).toEqual([3, 15]);
    expect(outer.edges.map((edge) => [edge.calls, edge.inclusive])).toEqual([
      [3, 6],
      [3, 6],
    ]);
    const inner = calls[outer.edges[0].node];
    expect([inner.calls, inner.self]).toEqual([6, 12]);
    expect(root.edges[0].inclusive).toBe(27);
    const sum = calls.reduce((total, { self }) => total + self, 0);
    expect(sum).toBe(counts.executions.reduce((total, count) => total + count, 0));
  });

  test('ends the calls that a return leaves out, and counts where it goes', () => {
    const { guest: made, counter } = counted(`
        li   s0, 3
      again:
        jal  ra, outer
      behind:
        addi s0, s0, -1
        bnez s0, again
        ebreak
      outer:
        mv   s1, ra
        jal  ra, inner
        addi a1, a1, 1
        ret
      inner:
        mv   ra, s1
        ret
    `);
    while (made.run(4).kind === 'fuel') counter.read();
    const { calls, counts } = counter.read()!;
    const runs = new Map([...counts.addresses].map((at, i) => [at, counts.executions[i]]));
    const line = (label: string, n: number): number | undefined =>
      runs.get(made.label(label) + 4 * n);
    expect([line('again', 0), line('behind', 0), line('behind', 1)]).toEqual([3, 3, 3]);
    expect([line('outer', 0), line('outer', 1), line('outer', 2)]).toEqual([3, 3, undefined]);
    expect([line('inner', 0), line('inner', 1)]).toEqual([3, 3]);
    expect(counts.executions.reduce((sum, count) => sum + count)).toBe(made.state.instret);
    const [, root, outer, inner] = calls;
    expect([root.edges[0].inclusive, outer.calls, inner.calls]).toEqual([12, 3, 3]);
  });

  test('folds a recursion into one node', () => {
    const { guest: made, counter } = counted(`
      li   a0, 5
      jal  ra, down
      ebreak
    down:
      beqz a0, out
      addi sp, sp, -16
      sd   ra, 8(sp)
      addi a0, a0, -1
      jal  ra, down
      ld   ra, 8(sp)
      addi sp, sp, 16
    out:
      ret
    `);
    expect(made.run(1000).kind).toBe('ebreak');
    const { calls } = counter.read()!;
    expect(calls).toHaveLength(3);
    const [, root, down] = calls;
    expect(down.calls).toBe(6);
    expect(root.edges[0].inclusive).toBe(down.self);
    expect(root.self + down.self).toBe(made.state.instret);
  });
});
