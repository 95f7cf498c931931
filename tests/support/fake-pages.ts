import type {
  PageInfo,
  PagesInfo,
  PageWrite,
  VcpuInfo,
  WriteTrackingInfo,
} from '../../emulator/debug/protocol';
import { placeOf, TEXT } from './fake-code';

/** What the fake pages follow from. */
export interface FakeSpaces {
  /** Harts that live: main and the vCPUs of task 1. */
  readonly harts: number;
  /** Pages of the heap, each in a state of its own row. */
  readonly heapPages: number;
  readonly tracking: WriteTrackingInfo;
  readonly version: number;
}

/** As `PAGE_STATES` of the emulator has them. */
const STATES = [
  'unmapped',
  'guard',
  'borrowed',
  'host',
  'stale',
  'zero',
  'lent',
  'shared',
  'private',
  'owned',
];

const cell = (state: string, permissions: string): number =>
  8 * STATES.indexOf(state) +
  [...permissions].reduce((bits, letter, n) => bits | (letter === '-' ? 0 : 1 << n), 0);

/** What task a vCPU belongs to. */
export const taskOf = (hart: number): VcpuInfo => ({ id: 1, mode: 'call', vcpu: hart });

/** Text is shared by all; the data's first page is lent to the vCPUs, its second zero; each has its stack. */
export function fakePages({ harts, heapPages, tracking, version }: FakeSpaces): PagesInfo {
  const vcpus = harts - 1;
  const row = (main: number, vcpu: number): number[] => [
    main,
    ...Array.from({ length: vcpus }, () => vcpu),
  ];
  const heap = Array.from({ length: heapPages }, (_, n) =>
    row(cell('owned', 'rw-'), n % 2 === 0 ? cell('shared', 'rw-') : cell('private', 'rw-')),
  );
  const rows = [
    row(cell('shared', 'r-x'), cell('shared', 'r-x')),
    row(cell('lent', 'rw-'), cell('borrowed', 'rw-')),
    row(cell('zero', 'rw-'), cell('zero', 'rw-')),
    ...heap,
    row(0, cell('guard', '---')),
    row(cell('owned', 'rw-'), cell('private', 'rw-')),
  ];
  const first = [0x10, 0x12, 0x13, ...heap.map((_, n) => 0x100 + n), 0x3fff0, 0x3fff1];
  const totals = (space: number): number[] =>
    STATES.map((_, state) => rows.filter((each) => (each[space] ?? 0) >> 3 === state).length);
  return {
    version,
    states: STATES,
    spaces: Array.from({ length: harts }, (_, hart) => ({
      space: hart + 1,
      harts: [hart],
      totals: totals(hart),
      ...(hart > 0 ? { task: taskOf(hart) } : {}),
    })),
    first: Uint32Array.from(first),
    count: Uint32Array.from(first, () => 1),
    cells: Uint8Array.from(rows.flat()),
    labels: ['text', 'data', 'heap', 'guard', 'stack'],
    labelOf: Uint16Array.from([0, 1, 1, ...heap.map(() => 2), 3, 4]),
    symbols: ['', 'partial'],
    symbolsOf: Uint32Array.from(first, (page) => (page === 0x12 ? 1 : 0)),
    leftOut: { rows: 0, spaces: 0 },
    tracking,
  };
}

/** The life of a page in the address space of a hart. */
export function fakePage(page: number, hart: number, spaces: FakeSpaces): PageInfo {
  const write = (at: number): PageWrite => ({
    by: 'instruction',
    hart: 1,
    location: placeOf(TEXT + at),
    place: { path: '/src/main.c', line: 12, column: 3 },
    address: page * 4096 + 8,
    size: 4,
    instructions: 100,
  });
  return {
    page,
    hart,
    state: hart === 0 ? 'lent' : 'borrowed',
    permissions: 'rw-',
    frame: 77,
    references: spaces.harts,
    borrowers: hart === 0 ? spaces.harts - 1 : 0,
    ...(hart > 0 ? { lender: 0 } : {}),
    isPrivate: false,
    isDirty: true,
    hasForkView: hart > 0,
    ...(spaces.tracking.isOn && { firstWrite: write(0), lastWrite: write(8) }),
  };
}
