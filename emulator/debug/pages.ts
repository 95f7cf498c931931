import { PAGE_COUNT } from '../memory/layout';
import type { Arena } from '../memory/arena';
import type { AddressSpace } from '../memory/address-space';
import { blockRuns, BLOCKS, RunMemo, type BlockRuns } from '../memory/page-runs';
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
/** How often a block is looked at after a change. */
const LOOKS = 2;
const UNMAPPED = PAGE_STATES.indexOf('unmapped');

/** What the page tables had gone through when a block was looked at. */
class Watermarks {
  private forks = -1;
  private readonly changes = new Int32Array(BLOCKS);
  /** How often each block is to be looked at still: once more after its last change, for the entry is written a moment later. */
  private readonly left = new Uint8Array(BLOCKS);

  /** Looks what has changed since the last call. */
  renew({ pageTable }: Arena): void {
    const { forks } = pageTable;
    const hasForked = forks !== this.forks;
    this.forks = forks;
    for (let block = 0; block < BLOCKS; block++) {
      const changes = pageTable.changes(block);
      if (hasForked || changes !== this.changes[block]) this.left[block] = LOOKS;
      else if (this.left[block] > 0) this.left[block] -= 1;
      this.changes[block] = changes;
    }
  }

  readonly hasChanged = (block: number): boolean => this.left[block] > 0;
}
/**
 * The pages of all address spaces, as rows that look alike in every space. What has not changed since the last answer
 * is neither looked at again nor put together anew, so that an answer costs what has changed.
 */
export class PageMatrix {
  private readonly memo = new RunMemo();
  private readonly blocks = new PageBlocks();
  private readonly watermarks = new Watermarks();
  /** What each space had the last time, by its id. */
  private known = new Map<number, BlockRuns>();
  /** The memory map, and the runs that it was made from. */
  private map: { readonly runs: BlockRuns; readonly segments: readonly SegmentInfo[] } | undefined;

  /** @param version numbers of answers go on from here, so that those about another program differ */
  constructor(public version = 0) {}

  /** The last answer, and what it depends on besides the rows. */
  private last:
    { readonly signature: string; readonly info: Omit<PagesInfo, 'tracking'> } | undefined;

  /** Leaves of page tables that the last answer has looked at. */
  get leaves(): number {
    return this.memo.leaves;
  }

  /** The pages as they are now. `version` is that of an earlier answer where nothing is different since. */
  info(target: DebugTarget): Omit<PagesInfo, 'tracking'> {
    this.memo.renew();
    this.watermarks.renew(target.arena);
    const bySpace = spacesOf(target.liveHarts);
    const shown = bySpace.slice(0, MAX_SPACES);
    const { hasChanged } = this.watermarks;
    const runs = shown.map(({ space }) =>
      blockRuns(space, this.memo, this.known.get(space.id), hasChanged),
    );
    this.known = new Map(shown.map(({ space }, i) => [space.id, runs[i]]));
    const labels = new PageLabels(this.segments(target, runs[0] ?? []), target.liveHarts);
    const spaces = shown.map(({ space, harts }, i): PageSpace => {
      const [{ vcpu }] = harts;
      return {
        space: space.id,
        harts: harts.map(({ index }) => index),
        ...(vcpu && { task: { id: vcpu.task.id, mode: vcpu.task.mode, vcpu: vcpu.id } }),
        totals: totalsOf(runs[i]),
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

  /** The memory map of the main VM, which is the same as long as its runs are. */
  private segments(target: DebugTarget, runs: BlockRuns): readonly SegmentInfo[] {
    const known = this.map;
    if (known && runs.every((list, n) => list === known.runs[n])) return known.segments;
    const segments = target.memoryMap();
    this.map = { runs, segments };
    return segments;
  }
}

/** How many pages of each state a space has. */
function totalsOf(runs: BlockRuns): number[] {
  const totals = PAGE_STATES.map(() => 0);
  for (const list of runs) {
    if (list) list.totals.forEach((count, state) => (totals[state] += count));
  }
  totals[UNMAPPED] = PAGE_COUNT - totals.reduce((sum, count) => sum + count, 0);
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
