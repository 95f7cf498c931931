import type { InstructionCounts } from '../../../emulator/engine/flow-counts';
import type { CallNode, Profile, ProfileCode } from '../../../emulator/profile/model';

/**
 * A program of two functions: `main` at 0x1000 (4 instructions, of 4 bytes each) calls `work` at 0x2000
 * (3 instructions; the last a branch back to the first) twice, once on each of two harts more often.
 */
const FUNCTIONS = [
  { name: 'main', address: 0x1000, size: 16 },
  { name: 'work', address: 0x2000, size: 12 },
];

/** Lines of `sample.c`: one for each instruction from 10 on, in `work` from 20 on. */
export const CODE: ProfileCode = {
  functionAt: (address) =>
    FUNCTIONS.find((each) => address >= each.address && address < each.address + each.size),
  lineAt(address) {
    const found = this.functionAt(address);
    if (!found) return undefined;
    const first = found.name === 'main' ? 10 : 20;
    return { file: '/src/sample.c', line: first + (address - found.address) / 4 };
  },
  kindAt: (address) =>
    address === 0x2000
      ? 'load'
      : address === 0x2004
        ? 'store'
        : address === 0x2008
          ? 'branch'
          : 'other',
};

export const EXECUTABLE = FUNCTIONS.flatMap(({ address, size }) =>
  Array.from({ length: size / 4 }, (_, i) => address + 4 * i),
);

const counts = (rows: readonly (readonly [number, number, number])[]): InstructionCounts => ({
  addresses: Float64Array.from(rows, ([address]) => address),
  executions: Float64Array.from(rows, ([, executions]) => executions),
  taken: Float64Array.from(rows, ([, , taken]) => taken),
});

const node = (
  entry: number,
  callSite: number,
  calls: number,
  self: number,
  ...children: CallNode[]
): CallNode => ({
  entry,
  callSite,
  calls,
  self,
  children,
});

/** Hart 0: main calls work twice (5 rounds in all). Hart 1: begins in work, 7 rounds. The third instruction of main never ran. */
export const PROFILE: Profile = {
  program: 'sample',
  arguments: ['a', 'b'],
  harts: [
    {
      hart: 0,
      name: 'main',
      counts: counts([
        [0x1000, 1, 0],
        [0x1004, 2, 0],
        [0x100c, 1, 0],
        [0x2000, 5, 0],
        [0x2004, 5, 0],
        [0x2008, 5, 3],
      ]),
      root: node(0x1000, 0x1000, 1, 4, node(0x2000, 0x1004, 2, 15)),
      arcs: [{ site: 0x1004, callee: 0x2000, calls: 2, inclusive: 15 }],
    },
    {
      hart: 1,
      name: 'task 1 vCPU 1',
      counts: counts([
        [0x2000, 7, 0],
        [0x2004, 7, 0],
        [0x2008, 7, 6],
      ]),
      root: node(0x2000, 0x2000, 1, 21),
      arcs: [],
    },
  ],
};

/** Retired instructions of both harts. */
export const TOTAL = 4 + 15 + 21;
