import { PAGE_SIZE } from '../memory/layout';
import { GRANULE } from './access';

/** Bytes of a cache line, as most RISC-V cores and hosts have it. */
export const LINE = 64;

/**
 * A cell is 12 words of the pool; cells of one granule or line are a list, the newest first.
 *
 * | word | of a granule (byte-check.ts)             | of a line or page (false-sharing.ts) |
 * |------|------------------------------------------|--------------------------------------|
 * | 0    | next cell, 0 = none                      | the same                             |
 * | 1    | bits 0–7 bytes, 8–11 flags, 16–31 slot   | slot                                 |
 * | 2    | the strand's time                        | the same, of its last access         |
 * | 3    | pc                                       | pc of its last load                  |
 * | 4, 5 | instructions retired, low and high       | loaded bytes, low and high half      |
 * | 6, 7 | value, by place in the granule           | stored bytes, low and high half      |
 * | 8, 9 | value before, by place in the granule    | loads, stores                        |
 * | 10   |                                          | pc of its last store                 |
 * | 11   |                                          | number of its report, 0 = none       |
 */
export const CELL_WORDS = 12;

/** What the shadow knows of one page of one address space. */
export class ShadowPage {
  /** First cell of each granule. */
  readonly granules = new Uint32Array(PAGE_SIZE / GRANULE);
  /** First cell of each line. */
  readonly lines = new Uint32Array(PAGE_SIZE / LINE);
  /** First cell of the page itself. */
  whole = 0;
  /** Words that the kernel has cleared at a thread's end: who reads one knows what the thread did. */
  published: Set<number> | undefined;

  constructor(
    readonly owner: number,
    readonly page: number,
  ) {}
}

const PAGES_OF_A_SPACE = 2 ** 20;
const FIRST_CELLS = 1 << 14;

/** Shadow memory: cells for what harts did to granules and lines, bounded. */
export class Shadow {
  words = new Uint32Array(FIRST_CELLS * CELL_WORDS);
  /** Pages that were forgotten for lack of room. */
  forgotten = 0;
  /** Called before the cells of a page go, but not by `clear`. */
  onForget: (page: ShadowPage) => void = () => undefined;
  private readonly pages = new Map<number, ShadowPage>();
  /** Cells given back, as a list. */
  private free = 0;
  /** Cell 0 means none. */
  private next = 1;

  /** @param mostCells how many cells there may be at a time; 48 bytes each */
  constructor(private readonly mostCells: number) {}

  page(owner: number, page: number): ShadowPage {
    const key = owner * PAGES_OF_A_SPACE + page;
    let found = this.pages.get(key);
    if (!found) this.pages.set(key, (found = new ShadowPage(owner, page)));
    return found;
  }

  /** Index in `words` of a new cell's first word; its words hold anything. */
  allocate(): number {
    if (this.free !== 0) {
      const cell = this.free;
      this.free = this.words[cell];
      return cell;
    }
    const cell = this.next * CELL_WORDS;
    if (cell + CELL_WORDS > this.words.length) this.grow();
    this.next += 1;
    return cell;
  }

  release(cell: number): void {
    this.words[cell] = this.free;
    this.free = cell;
  }

  /** Makes room when there is hardly any left. Pages that a caller holds may be gone afterwards. */
  makeRoom(): boolean {
    if (this.free !== 0 || this.next < this.mostCells - 64) return false;
    // The oldest eighth, so that this is rare.
    let left = Math.max(1, this.pages.size >>> 3);
    for (const [key, page] of this.pages) {
      if (left-- === 0) break;
      this.pages.delete(key);
      this.releasePage(page);
      this.forgotten += 1;
    }
    return true;
  }

  /** Forgets what was at guest addresses [start, end) of a space: they are other memory now. */
  forget(owner: number, start: number, end: number): void {
    const first = Math.floor(start / PAGE_SIZE);
    const last = Math.ceil(end / PAGE_SIZE);
    const wanted = (page: number): boolean => page >= first && page < last;
    if (last - first < this.pages.size) {
      for (let page = first; page < last; page++) this.drop(owner * PAGES_OF_A_SPACE + page);
    } else {
      for (const [key, page] of this.pages) {
        if (page.owner === owner && wanted(page.page)) this.drop(key);
      }
    }
  }

  clear(): void {
    if (this.pages.size === 0) return;
    this.pages.clear();
    this.free = 0;
    this.next = 1;
  }

  private drop(key: number): void {
    const page = this.pages.get(key);
    if (!page) return;
    this.pages.delete(key);
    this.releasePage(page);
  }

  private releasePage(page: ShadowPage): void {
    this.onForget(page);
    for (const list of page.granules) this.releaseList(list);
    for (const list of page.lines) this.releaseList(list);
    this.releaseList(page.whole);
  }

  private releaseList(first: number): void {
    for (let cell = first; cell !== 0;) {
      const next = this.words[cell];
      this.release(cell);
      cell = next;
    }
  }

  private grow(): void {
    const cells = Math.min(2 * (this.words.length / CELL_WORDS), this.mostCells + 64);
    const grown = new Uint32Array(cells * CELL_WORDS);
    grown.set(this.words);
    this.words = grown;
  }
}
