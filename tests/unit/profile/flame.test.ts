import { describe, expect, test } from 'vitest';
import { flameTree } from '../../../emulator/profile/flame';
import type { CallNode, HartProfile } from '../../../emulator/profile/model';
import { CODE, PROFILE, TOTAL } from './sample';

describe('a flame graph', () => {
  const tree = flameTree(PROFILE.harts, CODE);
  const nodes = [...tree.name].map((name, i) => [tree.depth[i], tree.names[name], tree.total[i]]);

  test('merges the harts, the most expensive function first', () => {
    expect(nodes).toEqual([
      [0, 'all', TOTAL],
      [1, 'work', 21],
      [1, 'main', 19],
      [2, 'work', 15],
    ]);
    expect([...tree.self]).toEqual([0, 21, 4, 15]);
    expect([...tree.calls]).toEqual([0, 1, 1, 2]);
  });

  test('of one hart has its instructions only', () => {
    const own = flameTree([PROFILE.harts[0]], CODE);
    expect(own.total[0]).toBe(19);
    expect(own.name).toHaveLength(3);
  });

  test('of a hundred thousand frames, deep or wide, is made', () => {
    let deep: CallNode = { entry: 0x2000, callSite: 0x1004, calls: 1, self: 1, children: [] };
    for (let i = 1; i < 50_000; i++) {
      deep = {
        entry: i % 2 ? 0x1000 : 0x2000,
        callSite: 0x1004,
        calls: 1,
        self: 1,
        children: [deep],
      };
    }
    const wide: CallNode = {
      entry: 0x1000,
      callSite: 0,
      calls: 1,
      self: 0,
      children: Array.from({ length: 50_000 }, (_, i) => ({
        entry: 0x10_0000 + i,
        callSite: 0,
        calls: 1,
        self: 1,
        children: [],
      })),
    };
    const hart = (root: CallNode): HartProfile => ({ ...PROFILE.harts[0], root });
    const big = flameTree([hart(deep), hart(wide)], CODE);
    expect(big.total[0]).toBe(100_000);
    expect(big.name.length).toBeGreaterThan(99_000);
  });
});
