import { NODE_ENTRIES } from './arena-layout';
import { ENTRY } from './page-entry';
import { PAGE_STATES, type PageState } from './states';

/** Pages in a row with the same state and protection. */
export interface PageRun {
  /** First page. */
  readonly page: number;
  /** How many pages. */
  readonly count: number;
  readonly state: PageState;
  /** READ, WRITE, EXECUTE or'ed together. */
  readonly protection: number;
}

const PERMISSIONS = ENTRY.read | ENTRY.write | ENTRY.execute;
/** Pages below one entry of the top table: a block. */
export const BLOCK_PAGES = NODE_ENTRIES * NODE_ENTRIES;

/** Runs as numbers: first page, pages, and 8 × number of the state + protection; three for each run. */
export class RunList {
  readonly numbers: number[] = [];
  private counts: readonly number[] | undefined;
  private sum: number | undefined;

  /** Adds pages behind the last ones; they join the last run when they are alike. */
  add(page: number, count: number, kind: number): void {
    const { numbers } = this;
    const at = numbers.length - 3;
    if (at >= 0 && numbers[at] + numbers[at + 1] === page && numbers[at + 2] === kind) {
      numbers[at + 1] += count;
    } else numbers.push(page, count, kind);
  }

  /** Adds another list, whose pages count from `first`. */
  append(first: number, { numbers }: RunList): void {
    for (let i = 0; i < numbers.length; i += 3) {
      this.add(first + numbers[i], numbers[i + 1], numbers[i + 2]);
    }
  }

  /**
   * This list, or where some leaves of 64 pages have other runs, one with theirs instead.
   * @param leaves their numbers, ascending
   * @param found the runs of each, whose pages count from the leaf's first
   */
  withLeaves(leaves: readonly number[], found: readonly RunList[]): RunList {
    if (leaves.every((leaf, n) => this.hasPart(leaf * NODE_ENTRIES, found[n]))) return this;
    const list = new RunList();
    let done = 0;
    leaves.forEach((leaf, n) => {
      list.appendPart(this, done, leaf * NODE_ENTRIES);
      list.append(leaf * NODE_ENTRIES, found[n]);
      done = (leaf + 1) * NODE_ENTRIES;
    });
    list.appendPart(this, done, BLOCK_PAGES);
    return list;
  }

  /** Adds what another list has of the pages from `first` to before `end`. */
  private appendPart({ numbers }: RunList, first: number, end: number): void {
    for (let i = 0; i < numbers.length; i += 3) {
      const from = Math.max(first, numbers[i]);
      const to = Math.min(end, numbers[i] + numbers[i + 1]);
      if (from < to) this.add(from, to - from, numbers[i + 2]);
    }
  }

  /** Whether the leaf's pages from `first` have just those runs. */
  private hasPart(first: number, { numbers: part }: RunList): boolean {
    const { numbers } = this;
    const end = first + NODE_ENTRIES;
    let n = 0;
    for (let i = 0; i < numbers.length && numbers[i] < end; i += 3) {
      const from = Math.max(first, numbers[i]);
      const to = Math.min(end, numbers[i] + numbers[i + 1]);
      if (from >= to) continue;
      if (part[n] !== from - first || part[n + 1] !== to - from || part[n + 2] !== numbers[i + 2]) {
        return false;
      }
      n += 3;
    }
    return n === part.length;
  }

  equals({ numbers }: RunList): boolean {
    const own = this.numbers;
    if (own === numbers) return true;
    if (own.length !== numbers.length) return false;
    for (let i = 0; i < own.length; i++) if (own[i] !== numbers[i]) return false;
    return true;
  }

  /** Equal for lists that are equal; of a list that is complete. */
  get hash(): number {
    return (this.sum ??= this.numbers.reduce((sum, each) => (Math.imul(sum, 31) + each) | 0, 17));
  }

  /** Pages of each state, by its number; of a list that is complete. */
  get totals(): readonly number[] {
    if (this.counts) return this.counts;
    const counts = PAGE_STATES.map(() => 0);
    for (let i = 0; i < this.numbers.length; i += 3) {
      counts[this.numbers[i + 2] >>> 3] += this.numbers[i + 1];
    }
    return (this.counts = counts);
  }

  runs(): PageRun[] {
    const runs: PageRun[] = [];
    for (let i = 0; i < this.numbers.length; i += 3) {
      const kind = this.numbers[i + 2];
      runs.push({
        page: this.numbers[i],
        count: this.numbers[i + 1],
        state: PAGE_STATES[kind >>> 3],
        protection: kind & PERMISSIONS,
      });
    }
    return runs;
  }
}

export const EMPTY = new RunList();

/** The runs of page-table nodes that were looked at already, for several spaces that share nodes: for one look at them. */
export class RunMemo {
  private readonly known = new Map<number, RunList>();
  private readonly lists = new Map<number, RunList[]>();
  private readonly news = new Map<
    RunList,
    { readonly found: readonly RunList[]; readonly list: RunList }[]
  >();
  /** Leaves that were looked at. */
  leaves = 0;

  /** @param key of a node, as what its pages' states depend on; of 0 nothing is known */
  get(key: number): RunList | undefined {
    return key === 0 ? undefined : this.known.get(key);
  }

  set(key: number, runs: RunList): void {
    if (key !== 0) this.known.set(key, runs);
  }

  /** The list itself, or an equal one that another space has in the block. */
  once(block: number, list: RunList): RunList {
    const key = block * 2 ** 32 + (list.hash >>> 0);
    const alike = this.lists.get(key);
    const same = alike?.find((each) => each.equals(list));
    if (same) return same;
    if (alike) alike.push(list);
    else this.lists.set(key, [list]);
    return list;
  }

  /** `before.withLeaves`, which spaces that look alike ask for one after the other. */
  renewed(before: RunList, leaves: readonly number[], found: readonly RunList[]): RunList {
    const known = this.news.get(before);
    const same = known?.find((each) => found.every((part, n) => part.equals(each.found[n])));
    if (same) return same.list;
    const list = before.withLeaves(leaves, found);
    if (known) known.push({ found, list });
    else this.news.set(before, [{ found, list }]);
    return list;
  }
}
