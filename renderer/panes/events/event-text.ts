import type { EventInfo } from '../../../emulator/debug/protocol';

const PAGE_SIZE = 4096;
const at = (page: number): string => (page * PAGE_SIZE).toString(16).padStart(8, '0');
const pages = (count: number): string => (count === 1 ? '1 page' : `${count} pages`);

/** All kinds of events, in groups for choosing. */
export const EVENT_GROUPS = {
  'Harts and calls': ['start', 'end', 'join', 'park', 'syscall', 'signal'],
  Pages: ['fork', 'copy', 'loan', 'late-borrow', 'stale', 'adopt', 'conflict', 'race'],
  Mappings: ['map', 'protect', 'unmap'],
  Turns: ['turn', 'turn-end'],
} as const;

/** Kinds whose event is about a page. */
const ABOUT_PAGES = new Set([
  'copy',
  'loan',
  'late-borrow',
  'adopt',
  'stale',
  'conflict',
  'race',
  'map',
  'unmap',
  'protect',
]);

export const isAboutPage = ({ kind }: EventInfo): boolean => ABOUT_PAGES.has(kind);

/** What happened, in a few words. */
export function describeEvent({ kind, page, from, to, forked, detail }: EventInfo): string {
  switch (kind) {
    case 'syscall':
      return detail ?? '';
    case 'park':
      return `waits in ${detail}`;
    case 'signal':
      return `begins the handler of ${detail}`;
    case 'start':
      return `begins: ${detail}`;
    case 'end':
      return `ends: ${detail}`;
    case 'join':
      return `joins ${detail}`;
    case 'stale':
      return `page ${at(page)} is newer than what borrowers see, frame ${from} → ${to}`;
    case 'turn':
      return `runs on ${detail}`;
    case 'turn-end':
      return `has run on ${detail}`;
    case 'fork':
      return forked === undefined ? 'forks its address space' : `forks hart ${forked}`;
    case 'copy':
      if (to === 0) return `writes page ${at(page)} first, in another process`;
      return from === 0
        ? `first write of page ${at(page)}, frame ${to}`
        : `copies page ${at(page)}, frame ${from} → ${to}`;
    case 'loan':
      return `borrows page ${at(page)}, frame ${from} → ${to}`;
    case 'late-borrow':
      return `borrows page ${at(page)} late, frame ${to}`;
    case 'adopt':
      return `adopts the newer page ${at(page)}, frame ${from} → ${to}`;
    case 'race':
      return `races with hart ${from} at ${to.toString(16).padStart(8, '0')}`;
    case 'map':
      return `maps ${pages(to)} at ${at(page)}`;
    case 'unmap':
      return `unmaps ${pages(to)} at ${at(page)}`;
    case 'protect':
      return `protects ${pages(to)} at ${at(page)}`;
    case 'conflict':
      return `conflict in page ${at(page)} ${detail ?? ''}`;
    default:
      return kind;
  }
}
