import { expect, test } from 'vitest';
import { AddressSpace, Arena, pageRuns, pageState, READ, WRITE } from '../../../emulator/memory';
import type { PageState } from '../../../emulator/memory/states';
import { checkTables } from '../../../emulator/memory/check';
import { Random } from '../../support/random';

const FIRST = 0x100;
const PAGES = 70;
const PAGE = 4096;
const OF_A_LOAN: readonly PageState[] = ['lent', 'borrowed', 'stale'];

/** Pages of a space in one of the states of loans, which a look at all pages tells as a look at each one does. */
function onLoan(space: AddressSpace): number[] {
  const pages = Array.from({ length: PAGES }, (_, i) => FIRST + i);
  const single = pages.filter((page) => OF_A_LOAN.includes(pageState(space, page)));
  const inRuns = pageRuns(space)
    .filter(({ state }) => OF_A_LOAN.includes(state))
    .flatMap(({ page, count }) => Array.from({ length: count }, (_, i) => page + i));
  expect(inRuns).toEqual(single);
  return single;
}

test.each([1, 2])(
  'nothing is on loan when all borrowers have ended, whatever was done meanwhile (seed %i)',
  (seed) => {
    const random = new Random(seed);
    const space = AddressSpace.create(Arena.create({ limitBytes: 8 << 20 }));
    space.map(FIRST * PAGE, PAGES * PAGE, READ | WRITE);
    const snapshots: AddressSpace[] = [];
    let lent = 0;
    for (let round = 0; round < 8; round++) {
      const borrowers: AddressSpace[] = [];
      const anyone = (): AddressSpace => random.pick([space, ...borrowers]);
      const anywhere = (): number => (FIRST + random.below(PAGES)) * PAGE;
      const actions = [
        () => borrowers.push(anyone().forkLoan({ keepWrites: random.oneIn(2) })),
        () => snapshots.push(anyone().fork()),
        () => anyone().watch(anywhere(), 8, 'write'),
        () => space.unwatch(anywhere(), 8, 'write'),
        () => anyone().adopt(),
        () => space.map(anywhere(), PAGE, READ | WRITE),
        () => space.unmap(anywhere(), PAGE),
        () => space.protect(anywhere(), PAGE, READ),
        () => anyone().readU64(anywhere()),
      ];
      for (let action = 0; action < 80; action++) {
        if (random.oneIn(2)) anyone().writeU64(anywhere(), BigInt(action));
        else random.pick(actions)();
      }
      lent += onLoan(space).length;
      while (borrowers.length > 0) {
        const [ended] = borrowers.splice(random.below(borrowers.length), 1);
        ended.destroy();
      }
      expect([space, ...snapshots].flatMap(onLoan)).toEqual([]);
      expect(checkTables(space.arena)).toEqual([]);
      while (snapshots.length > 3) snapshots.shift()?.destroy();
    }
    expect(lent).toBeGreaterThan(0);
  },
);
