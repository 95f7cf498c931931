import type {
  CodeCounts,
  CountedPart,
  HartColumn,
  LineCounts,
  ProfileInfo,
  ProfileView,
} from '../../emulator/debug/protocol-profile';
import type { TimeRange } from '../../emulator/profile/timed-samples';
import { TEXT } from './fake-code';

/** What is on, or will be from the next start. */
export interface FakeCounting {
  readonly isCounting: boolean;
  readonly willCount: boolean;
  readonly isSampling: boolean;
}

/** Two harts: main runs 100 instructions, or milliseconds, a vCPU 300, all of them in `dot`. */
export function fakeProfile(
  counting: FakeCounting,
  names?: readonly string[],
  view?: ProfileView,
): ProfileInfo {
  const isTime = view?.by === 'time';
  const isThere = isTime ? counting.isSampling : counting.isCounting;
  const scale = isTime ? 1e6 : 1;
  const harts = [
    { hart: 0, name: 'main', instructions: 100 * scale, ...(!isTime && { faults: 3 }) },
    { hart: 1, name: 'task 1 vCPU 1', instructions: 300 * scale, ...(!isTime && { faults: 2 }) },
  ];
  const chosen = isThere ? harts.filter((hart) => names?.includes(hart.name) ?? true) : [];
  const total = chosen.reduce((sum, { instructions }) => sum + instructions, 0);
  const main = chosen.some(({ hart }) => hart === 0) ? 60 * scale : 0;
  return {
    ...counting,
    samples: counting.isSampling ? 400 : 0,
    samplesInPart: !counting.isSampling ? 0 : view?.range ? 10 : 400,
    unit: isTime ? 'nanoseconds' : 'instructions',
    ...(!isTime && view?.range && { covers: around(view.range) }),
    harts: isThere ? harts : [],
    instructions: total,
    flame: {
      names: ['all', 'main', 'dot'],
      name: Uint32Array.of(0, 1, 2),
      depth: Uint32Array.of(0, 1, 2),
      self: Float64Array.of(0, main, total - main),
      total: Float64Array.of(total, total, total - main),
      calls: Float64Array.of(0, 1, 4),
      entry: Float64Array.of(0, TEXT + 0x40, TEXT + 0x80),
    },
    functions: [
      { name: 'dot', address: TEXT + 0x80, self: total - main, total: total - main, calls: 4 },
      { name: 'main', address: TEXT + 0x40, self: main, total, calls: 1 },
    ].filter(() => isThere),
    functionCount: isThere ? 2 : 0,
    lines: [
      { file: '/src/dot.c', line: 12, self: total - main },
      { file: '/src/main.c', line: 30, self: main },
    ].filter(() => isThere),
    lineCount: isThere ? 2 : 0,
  };
}

/** What counts of a part of the time cover. */
const around = ({ from, to }: TimeRange): TimeRange => ({ from: from - 1, to: to + 1 });

/** Every instruction of the text ran 1200 times, 12 times in a part, by each hart 100 times its number. */
export function fakeCounts(
  isCounting: boolean,
  start: number,
  end: number,
  hart: number,
  { range, names }: CountedPart = {},
): CodeCounts {
  const addresses = isCounting
    ? Float64Array.from({ length: 64 }, (_, n) => TEXT + 4 * n).filter(
        (address) => address >= start && address < end,
      )
    : new Float64Array();
  return {
    isCounting,
    addresses,
    ...(range && { covers: around(range) }),
    all: addresses.map(() => (range ? 12 : 1200)),
    own: addresses.map(() => 100 * hart),
    taken: addresses.map(() => 0),
    harts: countedHarts(addresses, names),
  };
}

/** The same on every tenth line of a file. */
export function fakeLineCounts(
  isCounting: boolean,
  hart: number,
  { range, names }: CountedPart = {},
): LineCounts {
  const lines = isCounting ? Float64Array.of(10, 20, 30) : new Float64Array();
  return {
    isCounting,
    lines,
    ...(range && { covers: around(range) }),
    all: lines.map(() => (range ? 12 : 1200)),
    own: lines.map(() => 100 * hart),
    harts: countedHarts(lines, names),
  };
}

function countedHarts(rows: Float64Array, names?: readonly string[]): HartColumn[] {
  return ['main', 'task 1 vCPU 1']
    .map((name, n) => ({ name, counts: rows.map(() => 600 * n) }))
    .filter(({ name }) => names?.includes(name) ?? true);
}
