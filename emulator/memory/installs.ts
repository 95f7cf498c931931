import { HEADER, INSTALL_BYTES, INSTALL_COUNT, type ArenaViews } from './arena-layout';
import { acquire, release } from './lock';

/**
 * What stood in a page's place before an embedder's page was installed, so that it can come back:
 *
 * | offset | type | field |
 * |--------|------|-------|
 * | 0      | u32  | address space id, 0 = the record is free |
 * | 4      | u32  | page |
 * | 8      | u32  | the former page-table entry, with its reference to the frame; 0 = unmapped |
 * | 12     | u32  | depth: how many installs on the page came before this one |
 * | 16     | u32  | id of the space whose page was installed, 0 = none |
 */
export class Installs {
  constructor(private readonly views: ArenaViews) {}

  reset(): void {
    const { u32, regions } = this.views;
    const words = (INSTALL_BYTES / 4) * u32[HEADER.installsUsed];
    u32.fill(0, regions.installs >>> 2, (regions.installs >>> 2) + words);
    u32[HEADER.installsUsed] = 0;
  }

  /** Keeps `entry`, which the caller has taken out of the table. False when all records are taken. */
  push(space: number, page: number, entry: number, lender = 0): boolean {
    return this.locked(() => {
      const { u32 } = this.views;
      let depth = 0;
      let free = -1;
      const used = u32[HEADER.installsUsed];
      for (let n = 0; n < used; n++) {
        const at = this.word(n);
        if (u32[at] === 0) free = n;
        else if (u32[at] === space && u32[at + 1] === page) depth += 1;
      }
      if (free < 0) {
        if (used === INSTALL_COUNT) return false;
        free = used;
        u32[HEADER.installsUsed] = used + 1;
      }
      u32.set([space, page, entry, depth, lender], this.word(free));
      return true;
    });
  }

  /** Takes back the entry that the last install on the page replaced; undefined when there was none. */
  pop(space: number, page: number): number | undefined {
    return this.locked(() => {
      const at = this.last(space, page);
      if (at < 0) return undefined;
      this.views.u32[at] = 0;
      return this.views.u32[at + 2];
    });
  }

  /** Id of the space whose page was installed last at `page`; 0 when it is none's or nothing is installed. */
  lenderOf(space: number, page: number): number {
    const at = this.last(space, page);
    return at < 0 ? 0 : this.views.u32[at + 4];
  }

  /** Whether any page was installed anywhere, and is perhaps gone again. */
  get any(): boolean {
    return this.views.u32[HEADER.installsUsed] > 0;
  }

  /** Whether a page was installed at `page` of the space. */
  has(space: number, page: number): boolean {
    const { u32 } = this.views;
    for (let n = 0; n < u32[HEADER.installsUsed]; n++) {
      if (u32[this.word(n)] === space && u32[this.word(n) + 1] === page) return true;
    }
    return false;
  }

  /** Forgets the records of the pages from `first` to before `end` and returns the entries they held. */
  drop(space: number, first: number, end: number): number[] {
    if (this.views.u32[HEADER.installsUsed] === 0) return [];
    return this.locked(() => {
      const { u32 } = this.views;
      const entries: number[] = [];
      for (let n = 0; n < u32[HEADER.installsUsed]; n++) {
        const at = this.word(n);
        if (u32[at] !== space || u32[at + 1] < first || u32[at + 1] >= end) continue;
        u32[at] = 0;
        entries.push(u32[at + 2]);
      }
      return entries;
    });
  }

  /** All entries that are kept. */
  entries(): number[] {
    const { u32 } = this.views;
    const entries: number[] = [];
    for (let n = 0; n < u32[HEADER.installsUsed]; n++) {
      if (u32[this.word(n)] !== 0) entries.push(u32[this.word(n) + 2]);
    }
    return entries;
  }

  /** Word index of the record of the page's last install, -1 = there is none. */
  private last(space: number, page: number): number {
    const { u32 } = this.views;
    let last = -1;
    for (let n = 0; n < u32[HEADER.installsUsed]; n++) {
      const at = this.word(n);
      if (u32[at] !== space || u32[at + 1] !== page) continue;
      if (last < 0 || u32[at + 3] > u32[last + 3]) last = at;
    }
    return last;
  }

  private word(n: number): number {
    return (this.views.regions.installs + n * INSTALL_BYTES) >>> 2;
  }

  private locked<T>(body: () => T): T {
    acquire(this.views.i32, HEADER.lock);
    try {
      return body();
    } finally {
      release(this.views.i32, HEADER.lock);
    }
  }
}
