import { beforeEach, describe, expect, it } from 'vitest';
import { PageMatrix } from '../../../emulator/debug/pages';
import type { DebugTarget } from '../../../emulator/debug/target';
import type { Hart } from '../../../emulator/multiprocess/hart';
import {
  AddressSpace,
  Arena,
  ArenaPool,
  EXECUTE,
  pageRuns,
  pageState,
  READ,
  WRITE,
} from '../../../emulator/memory';
import { PAGE_COUNT } from '../../../emulator/memory/layout';
import { RunMemo } from '../../../emulator/memory/run-list';
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
    const matrix = new PageMatrix();
    for (let round = 0; round < 120; round++) {
      const space = random.pick(spaces);
      const page = 0x800 + random.below(300);
      switch (random.below(9)) {
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
          space.unmap(page * PAGE, random.below(80) * PAGE);
          break;
        case 5:
          if (pageState(space, page) === 'unmapped') space.map(page * PAGE, PAGE, READ | WRITE);
          break;
        case 6:
          if (spaces.length > 6) spaces.pop()?.destroy();
          break;
        default:
          if (pageState(space, page) !== 'unmapped') write(space, page, round);
      }
      const info = matrix.info(targetOf(spaces));
      expectRows(info, spaces);
      if (round % 10 === 9) {
        const memo = new RunMemo();
        for (const each of spaces) expectTrue(each, memo);
      }
    }
  });

  it('are one row across blocks of 16 MiB, with the names of all of it', () => {
    const space = AddressSpace.create(arena);
    const start = 0x1000_0000;
    space.map(start, 10_000 * PAGE, READ | WRITE);
    const symbols = {
      objectAt: (address: number) => ({ symbol: { name: 'wide' }, offset: address - start }),
      objectsFrom: (from: number, end: number) =>
        [
          { name: 'wide', address: start },
          { name: 'last', address: start + 9000 * PAGE },
        ].filter(({ address }) => address >= from && address < end),
    };
    const target = { ...targetOf([space]), symbols } as unknown as DebugTarget;
    const info = new PageMatrix().info(target);
    expect([...info.count]).toEqual([10_000]);
    expect(info.symbols[info.symbolsOf[0]]).toBe('wide, last');
  });

  it('are walked again only where something has changed: a million pages and 64 forks', () => {
    const wide = Arena.create({
      frames: 2048,
      nodes: 16384,
      spaces: 200,
      recordBytes: 0,
      harts: 4,
    });
    const main = AddressSpace.create(wide);
    main.map(0x1000_0000, 950_000 * PAGE, READ | WRITE);
    for (let n = 0; n < 1000; n++) main.writeU8(0x1000_0000 + 97 * n * PAGE, 1);
    const forks = Array.from({ length: 64 }, () => main.forkLoan());
    const matrix = new PageMatrix();
    const look = (): number => {
      matrix.info(targetOf([main, ...forks]));
      return matrix.leaves;
    };
    // A thousand leaves with a frame, as main and as forks see them; those without stand in many places.
    expect(look()).toBeLessThan(2 * 1000 + 20);
    // 1000 pages with a frame, the gaps between them, and one long run behind, across all blocks.
    expect(matrix.info(targetOf([main, ...forks])).first).toHaveLength(2000);
    look();
    look();
    expect(look()).toBe(0);
    // A store that finds its page as it needs it changes nothing.
    main.writeU8(0x1000_0000, 2);
    look();
    look();
    look();
    main.writeU8(0x1000_0000, 3);
    expect(look()).toBe(0);
    forks[7].writeU8(0x1000_0000 + 970 * PAGE, 9);
    const { version } = matrix;
    // One leaf of 64 pages, in main, in fork 7, and as the other forks still see it.
    expect(look()).toBe(3);
    expect(matrix.version).toBe(version + 1);
    for (const each of [main, ...forks]) each.destroy();
  });
});

/** A machine as far as its pages go: a hart in each space, no names. */
const targetOf = (spaces: readonly AddressSpace[]): DebugTarget =>
  ({
    liveHarts: spaces.map((space, index): Partial<Hart> => ({ index, space })),
    arena: spaces[0]?.arena,
    memoryMap: () => [],
    symbols: { objectAt: () => undefined, objectsFrom: () => [] },
  }) as unknown as DebugTarget;

/** Writes the page where it may be written. */
function write(space: AddressSpace, page: number, value: number): void {
  const run = pageRuns(space).find((each) => each.page <= page && page < each.page + each.count);
  if (run && (run.protection & WRITE) !== 0) space.writeU8(page * PAGE, value);
}

/** Each cell says what `pageState` says, and the totals how many do. */
function expectRows(
  { first, count, cells, states, spaces: told }: ReturnType<PageMatrix['info']>,
  spaces: readonly AddressSpace[],
): void {
  const wrong: string[] = [];
  const totals = spaces.map(() => states.map((state) => (state === 'unmapped' ? PAGE_COUNT : 0)));
  first.forEach((from, row) => {
    for (let page = from; page < from + (count[row] ?? 0); page++) {
      spaces.forEach((space, i) => {
        const shown = states[(cells[row * spaces.length + i] ?? 0) >> 3];
        const state = pageState(space, page);
        totals[i][states.indexOf(state)] += 1;
        totals[i][states.indexOf('unmapped')] -= 1;
        if (shown !== state) wrong.push(`page ${page} of space ${i}: ${shown}, is ${state}`);
      });
    }
  });
  expect(wrong).toEqual([]);
  expect(told.map((each) => each.totals)).toEqual(totals);
}
