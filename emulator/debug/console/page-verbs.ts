import { PAGE_SIZE } from '../../memory/layout';
import { describeLocation } from '../location';
import type { HartId, MemoryTime, PagesInfo, PageWrite, WriteTrackingInfo } from '../protocol';
import { ConsoleError, type Context, type Reply, type Verb } from './console-types';
import { hexadecimal } from './stop-text';

const LINE_BYTES = 16;
/** Lines that `diff` prints at most. */
const MOST_LINES = 64;

/** How many pages of each state the spaces have, and what of the hart's is borrowed, lent or private. */
export async function listPages(context: Context): Promise<Reply> {
  const pages = await context.requests.pages();
  const lines = pages.spaces.map(({ harts, totals }) => {
    const counts = pages.states.flatMap((state, n) =>
      state === 'unmapped' || !totals[n] ? [] : [`${totals[n]} ${state}`],
    );
    return `harts ${harts.join(', ')}: ${counts.join(', ')}`;
  });
  const own = pages.spaces.findIndex(({ harts }) => harts.includes(context.hart));
  const states = ['borrowed', 'lent', 'private', 'stale'];
  const rows = own < 0 ? [] : rowsOf(pages, own).filter(({ state }) => states.includes(state));
  for (const { first, count, state, label, symbols } of rows) {
    const what = symbols === '' ? label : `${label}, ${symbols}`;
    const range = `${hexadecimal(first * PAGE_SIZE)} … ${hexadecimal((first + count) * PAGE_SIZE)}`;
    lines.push(`  ${range} ${state}: ${what}`);
  }
  const spaces = pages.spaces.map(({ harts, totals }) => ({
    harts,
    ...Object.fromEntries(pages.states.map((state, n) => [state, totals[n] ?? 0])),
  }));
  return { text: lines.join('\n'), data: { spaces, pages: rows } };
}

interface PageRow {
  readonly first: number;
  readonly count: number;
  readonly state: string;
  readonly label: string;
  readonly symbols: string;
}

function rowsOf(pages: PagesInfo, space: number): PageRow[] {
  return [...pages.first].map((first, n) => ({
    first,
    count: pages.count[n] ?? 0,
    state: pages.states[(pages.cells[n * pages.spaces.length + space] ?? 0) >> 3] ?? '',
    label: pages.labels[pages.labelOf[n] ?? 0] ?? '',
    symbols: pages.symbols[pages.symbolsOf[n] ?? 0] ?? '',
  }));
}

/** `on, 41 million instructions per second, 9.3 times slower than without`. */
function trackingText({ isOn, mips, slowdown }: WriteTrackingInfo): string {
  if (!isOn) return 'Write tracking is off.';
  // A run of few instructions is mostly its start: what looks like no speed is none yet.
  const isMeasured = mips !== undefined && mips >= 1;
  const speed = isMeasured ? `, ${mips.toFixed(0)} million instructions per second` : '';
  const ratio =
    slowdown === undefined
      ? ', how much slower is not measured yet'
      : `, ${slowdown.toFixed(1)} times slower than without`;
  return `Write tracking is on${speed}${ratio}.`;
}

async function tracked({ requests }: Context, text: string): Promise<Reply> {
  if (text !== '' && text !== 'on' && text !== 'off') throw new ConsoleError('Write on or off.');
  const info =
    text === '' ? (await requests.pages()).tracking : await requests.trackWrites(text === 'on');
  return { text: trackingText(info), data: { tracking: info } };
}

/** `hart 2 at work+0xc, mp-race.c:21, 8 bytes at 0x25140`. */
function writeText({ by, hart, location, place, address, size }: PageWrite): string {
  const file = place?.path.split('/').at(-1);
  return [
    `hart ${hart} at ${describeLocation(location)}`,
    by === 'call' && 'by a system call',
    by === 'host' && 'by the debugger or the host',
    place && file !== undefined && `${file}:${place.line}`,
    size > 0 && `${size} bytes at ${hexadecimal(address)}`,
  ]
    .filter((part) => typeof part === 'string')
    .join(', ');
}

/** The page that an expression's value lies in; a symbol may have C's `&` before it. */
const pageNumber = async (
  requests: Context['requests'],
  text: string,
  hart: HartId,
): Promise<number> =>
  Math.floor((await requests.evaluateAddress(text.replace(/^&/, ''), hart)) / PAGE_SIZE);

/** What a page is as the hart sees it, and who wrote it. */
async function pageShown({ requests, hart }: Context, text: string): Promise<Reply> {
  if (text === '') throw new ConsoleError('Say which: an address in it.');
  const page = await pageNumber(requests, text, hart);
  const info = await requests.page(page, hart);
  const { state, permissions, frame, references, lender, firstWrite, lastWrite } = info;
  const lines = [
    [
      `${hexadecimal(page * PAGE_SIZE)} hart ${hart}: ${state} ${permissions}`,
      frame > 0 && `frame ${frame}, ${references} references`,
      lender !== undefined && `of hart ${lender}`,
    ]
      .filter((part) => typeof part === 'string')
      .join(', '),
    firstWrite && `  first written in this run by ${writeText(firstWrite)}`,
    lastWrite && `  last written by ${writeText(lastWrite)}`,
  ].filter((line) => line !== undefined);
  return { text: lines.join('\n'), data: { page: info } };
}

/** A view of memory: `main`, `hart 2`, `2`, `fork 2`. */
interface View {
  readonly hart: HartId;
  readonly time: MemoryTime;
}

const VIEW = /^(?:(main|now)|(?:(hart|fork)\s+)?(\d{1,5}))(?:\s+|$)(.*)$/s;

function parseView(text: string, hart: HartId): { view: View; rest: string } {
  const [found, word, kind, number, rest = ''] = VIEW.exec(text) ?? [];
  if (found === undefined) {
    throw new ConsoleError(`“${text}” is no view: main, now, hart NUMBER or fork NUMBER.`);
  }
  const id = word === 'main' ? 0 : word === 'now' ? hart : Number(number);
  return { view: { hart: id, time: kind === 'fork' ? 'fork' : 'now' }, rest };
}

const viewText = ({ hart, time }: View): string =>
  time === 'fork' ? `hart ${hart} at its fork` : `hart ${hart}`;

/** The bytes of a page that differ between two views: `diff ADDRESS VIEW VIEW`. */
async function compared(context: Context, text: string): Promise<Reply> {
  const { requests, hart } = context;
  const [, place = '', views = ''] = /^(\S+)\s*(.*)$/s.exec(text) ?? [];
  if (place === '') throw new ConsoleError('Write ADDRESS and two views.');
  const first = parseView(views === '' ? 'now' : views, hart);
  const second = parseView(first.rest === '' ? 'main' : first.rest, hart);
  const page = (await pageNumber(requests, place, hart)) * PAGE_SIZE;
  const read = async ({ hart: id, time }: View): Promise<Uint8Array | undefined> => {
    const { bytes, holes } = await requests.readMemory(page, PAGE_SIZE, id, time);
    return holes.length > 0 ? undefined : bytes;
  };
  const [left, right] = [await read(first.view), await read(second.view)];
  const head = `${hexadecimal(page)}: ${viewText(first.view)} against ${viewText(second.view)}`;
  if (!left || !right) {
    const missing = viewText(left ? second.view : first.view);
    return { text: `${head}: nothing is mapped for ${missing}.`, data: { page, differing: null } };
  }
  return differences(head, page, left, right);
}

function differences(head: string, page: number, left: Uint8Array, right: Uint8Array): Reply {
  const lines: string[] = [];
  let differing = 0;
  for (let at = 0; at < PAGE_SIZE; at += LINE_BYTES) {
    const [a, b] = [left.subarray(at, at + LINE_BYTES), right.subarray(at, at + LINE_BYTES)];
    const count = a.reduce((sum, byte, n) => sum + Number(byte !== b[n]), 0);
    differing += count;
    if (count > 0) lines.push(`  ${hexadecimal(page + at)}  ${hexBytes(a)} | ${hexBytes(b)}`);
  }
  const more = lines.length - MOST_LINES;
  const shown = lines.slice(0, MOST_LINES);
  if (more > 0) shown.push(`  and ${more} more lines`);
  const count = differing === 1 ? '1 byte differs' : `${differing} bytes differ`;
  return {
    text: [`${head}: ${differing === 0 ? 'no difference' : count}.`, ...shown].join('\n'),
    data: { page, differing },
  };
}

const hexBytes = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');

export const PAGE_VERBS: readonly Verb[] = [
  {
    name: 'page',
    group: 'Data',
    usage: 'ADDRESS',
    help: 'what a page is as the hart sees it, and with tracking who wrote it',
    completes: 'symbols',
    run: pageShown,
  },
  {
    name: 'diff',
    group: 'Data',
    usage: 'ADDRESS [VIEW VIEW]',
    help: 'bytes of a page that differ between two views: main, hart N, fork N (hart N at its fork)',
    completes: 'symbols',
    run: compared,
  },
  {
    name: 'track',
    group: 'Data',
    usage: '[on | off]',
    help: 'write tracking: who wrote each page first in a run, and who last',
    completes: ['on', 'off'],
    run: tracked,
  },
];
