import { beforeEach, describe, expect, it } from 'vitest';
import type { Arena } from '../../../emulator/memory';
import {
  AddressSpace,
  ArenaPool,
  EXECUTE,
  pageRuns,
  pageState,
  READ,
  WRITE,
} from '../../../emulator/memory';
import { RunMemo } from '../../../emulator/memory/page-runs';
import { Random } from '../../support/random';

const PAGE = 4096;
const arenas = new ArenaPool({ frames: 4096, tablePairs: 4, nodes: 8192, spaces: 200 });
let arena: Arena;

beforeEach(() => {
  arena = arenas.take();
  return () => arenas.giveBack(arena);
});

/** The runs as a list of pages, each with what `pageState` says of it. */
function expectTrue(space: AddressSpace, memo?: RunMemo): void {
  let last = 0;
  for (const run of pageRuns(space, memo)) {
    expect(run.page).toBeGreaterThanOrEqual(last);
    for (let page = last; page < run.page && page < last + 200; page++) {
      expect(pageState(space, page)).toBe('unmapped');
    }
    for (let page = run.page; page < run.page + run.count; page++) {
      expect([page, pageState(space, page)]).toEqual([page, run.state]);
    }
    last = run.page + run.count;
  }
}

describe('the runs of a space', () => {
  it('are few for a large mapping, in whatever space shares it', () => {
    const space = AddressSpace.create(arena);
    space.map(0x1000_0000, 35_000 * PAGE, READ | WRITE);
    expect(pageRuns(space)).toEqual([
      { page: 0x1_0000, count: 35_000, state: 'zero', protection: READ | WRITE },
    ]);
    const memo = new RunMemo();
    for (let i = 0; i < 64; i++) {
      const fork = space.forkLoan();
      fork.writeU8(0x1000_0000 + 1000 * PAGE, i);
      expect(pageRuns(fork, memo).map(({ count, state }) => [count, state])).toEqual([
        [1000, 'zero'],
        [1, 'borrowed'],
        [33_999, 'zero'],
      ]);
    }
  });

  it('end where protection changes, also inside of a node that stands in many places', () => {
    const space = AddressSpace.create(arena);
    space.map(0x100_0000, 640 * PAGE, READ | WRITE);
    space.protect(0x100_0000 + 100 * PAGE, PAGE, READ | EXECUTE);
    expect(pageRuns(space).map(({ count, protection }) => [count, protection])).toEqual([
      [100, READ | WRITE],
      [1, READ | EXECUTE],
      [539, READ | WRITE],
    ]);
  });

  it('say of each page what its state is, for all spaces of random families', () => {
    const random = new Random(20);
    const root = AddressSpace.create(arena);
    root.map(0x80_0000, 300 * PAGE, READ | WRITE);
    const spaces = [root];
    for (let round = 0; round < 120; round++) {
      const space = random.pick(spaces);
      const page = 0x800 + random.below(300);
      switch (random.below(7)) {
        case 0:
          spaces.push(space.fork());
          break;
        case 1:
          spaces.push(space.forkLoan({ privateRange: [0x810, 0x820] }));
          break;
        case 2:
          space.protect(page * PAGE, PAGE, random.oneIn(2) ? READ : READ | WRITE);
          break;
        case 3:
          space.adopt();
          break;
        case 4:
          if (spaces.length > 6) spaces.pop()?.destroy();
          break;
        default:
          space.writeU8(page * PAGE, round);
      }
      if (round % 10 === 9) {
        const memo = new RunMemo();
        for (const each of spaces) expectTrue(each, memo);
      }
    }
  });
});
