import type { EventInfo, PageSpace, PageWrite } from '../../../emulator/debug/protocol';
import { hexAddress, placeName } from '../../format';

/** Events with which a space gets a page of its own to write: the first write to it there. */
const WRITES = new Set(['copy', 'loan', 'late-borrow']);

/** What an event did to the page; the numbers' meanings stand in docs/memory.md. */
export function lifeSentence({ kind, from, to }: EventInfo): string {
  const former = from === 0 ? 'was zero' : `frame ${from}`;
  switch (kind) {
    case 'copy':
      return `${former} → own ${to === 0 ? 'page in another process' : `frame ${to}`}`;
    case 'loan':
      return `${former} → borrows frame ${to}`;
    case 'late-borrow':
      return `borrows frame ${to} of space ${from}`;
    case 'adopt':
      return `${former} → newer frame ${to}`;
    case 'stale':
      return 'the lender has a newer frame';
    case 'map':
    case 'protect':
      return `${permissions(from)}, ${to} ${to === 1 ? 'page' : 'pages'}`;
    case 'unmap':
      return `${to} ${to === 1 ? 'page' : 'pages'}`;
    default:
      return '';
  }
}

const permissions = (protection: number): string =>
  ['r', 'w', 'x'].map((letter, bit) => ((protection >> bit) & 1 ? letter : '-')).join('');

/**
 * For each address space whose harts wrote the page: the event of its first write there.
 * @param starts the harts' `start` events: numbers of harts are used again, and what an earlier one did does not count
 */
export function firstWrites(
  events: readonly EventInfo[],
  starts: readonly EventInfo[],
  spaces: readonly PageSpace[],
): readonly EventInfo[] {
  return spaces.flatMap(({ harts }) => {
    const born = starts.findLast(({ hart }) => harts.includes(hart))?.number ?? 0;
    const isFirst = ({ kind, hart, number }: EventInfo): boolean =>
      number > born && WRITES.has(kind) && harts.includes(hart);
    return events.find(isFirst) ?? [];
  });
}

/** `hart 2 at work+0xc, mp-race.c:21, 8 bytes at 00025140`. */
export function writeSentence({ by, hart, location, place, address, size }: PageWrite): string {
  const file = place?.path.split('/').at(-1) ?? '';
  return [
    `hart ${hart} at ${placeName(location)}`,
    by === 'call' && 'by a system call',
    by === 'host' && 'by the debugger or the host',
    place && `${file}:${place.line}`,
    size > 0 && `${size} ${size === 1 ? 'byte' : 'bytes'} at ${hexAddress(address)}`,
  ]
    .filter((part) => typeof part === 'string')
    .join(', ');
}
