import { PAGE_COUNT } from '../memory/layout';
import type { AddressSpace } from '../memory/address-space';
import { PageChanges } from '../memory/page-changes';
import { blockRuns, type BlockRuns } from '../memory/page-runs';
import { RunMemo, type RunList } from '../memory/run-list';
import { PAGE_STATES } from '../memory/states';
import type { Hart } from '../multiprocess/hart';
import { firstRows, PageBlocks } from './page-blocks';
import { PageLabels } from './page-labels';
import type { PagesInfo, PageSpace, SegmentInfo } from './protocol';
import type { DebugTarget } from './target';

/** Bounds of an answer: its cells, one for each row and space, take at most 4 MiB. */
const MAX_SPACES = 256;
const MAX_ROWS = 65_536;
const MAX_CELLS = 4 << 20;
const UNMAPPED = PAGE_STATES.indexOf('unmapped');
/** Totals of a space without a page. */
const NOTHING = PAGE_STATES.map((_, state) => (state === UNMAPPED ? PAGE_COUNT : 0));

/** What a space had the last time. */
interface Known {
  readonly runs: BlockRuns;
  /** Pages of each state, by its number. */
  readonly totals: readonly number[];
}

/**
 * The pages of all address spaces, as rows that look alike in every space. What has not changed since the last answer
 * is neither looked at again nor put together anew, so that an answer costs what has changed.
 */
export class PageMatrix {
  private readonly blocks = new PageBlocks();
  private readonly changes = new PageChanges();
  /** By the space's id. */
  private known = new Map<number, Known>();
  /** The memory map, and the runs that it was made from. */
  private map: { readonly runs: BlockRuns; readonly segments: readonly SegmentInfo[] } | undefined;

  /** @param version numbers of answers go on from here, so that those about another program differ */
  constructor(public version = 0) {}

  /** The last answer, and what it depends on besides the rows. */
  private last:
    { readonly signature: string; readonly info: Omit<PagesInfo, 'tracking'> } | undefined;

  /** Leaves of page tables that the last answer has looked at. */
  leaves = 0;

  /** The pages as they are now. `version` is that of an earlier answer where nothing is different since. */
  info(target: DebugTarget): Omit<PagesInfo, 'tracking'> {
    const bySpace = spacesOf(target.liveHarts);
    const shown = bySpace.slice(0, MAX_SPACES);
    const found = this.look(target, shown);
    const runs = found.map((each) => each.runs);
    const labels = new PageLabels(this.segments(target, runs[0] ?? []), target.liveHarts);
    const spaces = shown.map(({ space, harts }, i): PageSpace => {
      const [{ vcpu }] = harts;
      return {
        space: space.id,
        harts: harts.map(({ index }) => index),
        ...(vcpu && { task: { id: vcpu.task.id, mode: vcpu.task.mode, vcpu: vcpu.id } }),
        totals: found[i].totals,
      };
    });
    const rows = this.blocks.rows(runs, labels, target.symbols);
    const signature = JSON.stringify([spaces, labels.signature]);
    if (this.last?.signature === signature && !this.blocks.hasChanged) return this.last.info;
    const total = rows.first.length;
    const most = Math.min(total, MAX_ROWS, Math.floor(MAX_CELLS / Math.max(1, spaces.length)));
    const info = {
      version: ++this.version,
      states: PAGE_STATES,
      spaces,
      ...firstRows(rows, most, spaces.length),
      labels: this.blocks.labelNames,
      symbols: this.blocks.symbolNames,
      leftOut: { rows: total - most, spaces: bySpace.length - shown.length },
    };
    this.last = { signature, info };
    return info;
  }

  /** What the spaces have now. */
  private look(
    { arena }: DebugTarget,
    shown: readonly { readonly space: AddressSpace }[],
  ): Known[] {
    const memo = new RunMemo();
    const changes = this.changes.since(arena);
    const found = shown.map(({ space }) => {
      const before = this.known.get(space.id);
      const runs = blockRuns(space, memo, before && { runs: before.runs, changes });
      return { runs, totals: totalsOf(runs, before) };
    });
    this.known = new Map(shown.map(({ space }, i) => [space.id, found[i]]));
    this.leaves = memo.leaves;
    return found;
  }

  /** The memory map of the main VM, which is the same as long as its runs are. */
  private segments(target: DebugTarget, runs: BlockRuns): readonly SegmentInfo[] {
    const known = this.map;
    if (known && runs.every((list, n) => list === known.runs[n])) return known.segments;
    const segments = target.memoryMap();
    this.map = { runs, segments };
    return segments;
  }
}

/** How many pages of each state a space has: as before, but for the blocks that are others. */
function totalsOf(runs: BlockRuns, before?: Known): readonly number[] {
  const totals = [...(before?.totals ?? NOTHING)];
  const count = (list: RunList | undefined, sign: number): void => {
    list?.totals.forEach((pages, state) => {
      totals[state] += sign * pages;
      totals[UNMAPPED] -= sign * pages;
    });
  };
  runs.forEach((list, block) => {
    const former = before?.runs[block];
    if (list === former) return;
    count(former, -1);
    count(list, 1);
  });
  return totals;
}

/** Address spaces with the harts that run in them, in the order of the harts. */
function spacesOf(harts: readonly Hart[]): { space: AddressSpace; harts: Hart[] }[] {
  const found = new Map<number, { space: AddressSpace; harts: Hart[] }>();
  for (const hart of harts) {
    const known = found.get(hart.space.id);
    if (known) known.harts.push(hart);
    else found.set(hart.space.id, { space: hart.space, harts: [hart] });
  }
  return [...found.values()];
}
