import type {
  HartId,
  MemoryTime,
  PageSpace,
  WriteTrackingInfo,
} from '../../../emulator/debug/protocol';
import { grouped, ranges } from '../../format';

/** How page states look and what they are called: a letter always stands beside the colour. */

/** What the pane can show of one page besides its facts. */
export type PageTab = 'life' | 'diff';

export interface StateLook {
  readonly letter: string;
  /** One sentence for tooltips. */
  readonly meaning: string;
}

export const STATE_LOOKS: Readonly<Record<string, StateLook>> = {
  owned: { letter: 'O', meaning: 'The address space’s own page.' },
  shared: { letter: 'S', meaning: 'Shared with a fork: copied or lent when somebody writes it.' },
  private: { letter: 'P', meaning: 'The fork’s own copy of a page that it wrote.' },
  lent: { letter: 'L', meaning: 'Lent: borrowers write this page too.' },
  borrowed: { letter: 'B', meaning: 'Borrowed: the page of the lender, written together.' },
  stale: { letter: '~', meaning: 'The lender has a newer page; adopted at the next fence.' },
  zero: { letter: '0', meaning: 'Mapped and never written: reads as zero.' },
  guard: { letter: '#', meaning: 'A guard page: every access faults.' },
  host: { letter: 'H', meaning: 'Installed by the host.' },
  unmapped: { letter: '', meaning: 'Nothing is mapped.' },
};

/** Width of an address space's column in CSS pixels, as the styles have it. */
export const COLUMN = 54;

/** Order of the legend: what matters most first. */
export const LEGEND = [
  'owned',
  'shared',
  'private',
  'lent',
  'borrowed',
  'stale',
  'zero',
  'guard',
  'host',
] as const;

/** `rw`, `rx`, `r` …; `–` for none. */
export function permissionGlyph(cell: number): string {
  const glyph = (cell & 1 ? 'r' : '') + (cell & 2 ? 'w' : '') + (cell & 4 ? 'x' : '');
  return glyph === '' ? '–' : glyph;
}

/** What of a fork's pages are worth a sentence, in the order of the sentence. */
const TOLD = ['private', 'borrowed', 'stale', 'lent', 'shared', 'owned', 'zero', 'host'];

/** `3 pages private, 1 borrowed, 20 shared`. */
export function totalsSentence(states: readonly string[], totals: readonly number[]): string {
  const parts = TOLD.flatMap((state) => {
    const count = totals[states.indexOf(state)] ?? 0;
    return count > 0 ? [{ count, state }] : [];
  });
  if (parts.length === 0) return 'no pages';
  return parts
    .map(
      ({ count, state }, n) =>
        `${grouped(count)}${n > 0 ? '' : count === 1 ? ' page' : ' pages'} ${state}`,
    )
    .join(', ');
}

/** `hart 2`, `harts 0,5`. */
export const nameOf = ({ harts }: PageSpace): string =>
  `${harts.length > 1 ? 'harts' : 'hart'} ${ranges(harts)}`;

/** An address space and what its pages are. */
export function spaceSentence(states: readonly string[], space: PageSpace): string {
  const { task } = space;
  const who = task ? `, vCPU ${task.vcpu} of task ${task.id} (${task.mode})` : '';
  return `${nameOf(space).replace('h', 'H')}${who}: ${totalsSentence(states, space.totals)}`;
}

/** Memory as a hart sees it, or saw it when it began. */
export interface PageView {
  readonly id: string;
  readonly hart: HartId;
  readonly time: MemoryTime;
  readonly title: string;
}

/** `hart 2 at its fork`. */
export const forkTitle = (space: PageSpace): string => `${nameOf(space)} at its fork`;

/** What write tracking costs, as far as that is known. */
export function trackingSentence({ isOn, mips, slowdown }: WriteTrackingInfo): string {
  if (!isOn) return '';
  // A run of few instructions is mostly its start: what looks like no speed is none yet.
  const speed = mips === undefined || mips < 1 ? '' : `${mips.toFixed(0)} MIPS`;
  if (slowdown === undefined) return `${speed && `${speed}, `}slow-down not measured yet`;
  return `${slowdown.toFixed(1)}× slower${speed && `, ${speed}`}`;
}
