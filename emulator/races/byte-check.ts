import type { Access } from './access';
import type { Shadow, ShadowPage } from './shadow';
import type { Strand } from './strands';

/** Words of a cell (shadow.ts). */
export const CELL = {
  next: 0,
  info: 1,
  time: 2,
  pc: 3,
  instret: 4,
  value: 6,
  old: 8,
} as const;

const BYTES_MASK = 0xff;
export const IS_WRITE = 1 << 8;
export const IS_ATOMIC = 1 << 9;
export const VALUE_KNOWN = 1 << 10;
export const OLD_KNOWN = 1 << 11;
export const SLOT_SHIFT = 16;
/** Flags that must be equal for two accesses to be told as one. */
const SAME = IS_WRITE | IS_ATOMIC | VALUE_KNOWN | OLD_KNOWN;
/** Accesses of a granule that are remembered: enough for all sensible sharing of one by many harts. */
const MOST_CELLS = 64;

/** Is told of two accesses that nothing orders: the earlier one's cell, and the later one itself. */
export type OnRace = (cell: number, bytes: number, strand: Strand, access: Access) => void;

/**
 * The race check proper: FastTrack (Flanagan & Freund, PLDI 2009), with byte masks, so that harts that write
 * different bytes of a word do not race. Kept of each byte are the last store and all loads since that no
 * other kept access follows.
 */
export class ByteCheck {
  /** Loads that were not kept because too many harts read the same granule. */
  forgotten = 0;

  constructor(
    private readonly shadow: Shadow,
    private readonly onRace: OnRace,
  ) {}

  check(page: ShadowPage, strand: Strand, access: Access): void {
    const index = (access.granule & 0xfff) >>> 3;
    const head = page.granules[index];
    if (head !== 0 && this.isRepeated(head, strand, access)) return;
    this.compare(page, index, strand, access);
    this.add(page, index, strand, access);
  }

  /** The same hart does the same again, or reads what it has written: nobody can have come in between. */
  private isRepeated(head: number, strand: Strand, access: Access): boolean {
    const { words } = this.shadow;
    const info = words[head + CELL.info];
    if (info >>> SLOT_SHIFT !== strand.slot || words[head + CELL.time] !== strand.time)
      return false;
    if ((info & access.mask) !== access.mask) return false;
    const isSame = (info & SAME) === flagsOf(access);
    if (!isSame || words[head + CELL.pc] !== access.pc) {
      return !access.isWrite && !access.isAtomic && (info & (IS_WRITE | IS_ATOMIC)) === IS_WRITE;
    }
    this.update(head, access);
    return true;
  }

  /** Reports races, and takes out what this access stands for from now on. */
  private compare(page: ShadowPage, index: number, strand: Strand, access: Access): void {
    const { words } = this.shadow;
    let before = 0;
    for (let cell = page.granules[index], count = 0; cell !== 0; count++) {
      const next = words[cell];
      const info = words[cell + CELL.info];
      const shared = info & access.mask;
      let isGone = count >= MOST_CELLS && (info & IS_WRITE) === 0;
      if (isGone) this.forgotten += 1;
      else if (shared !== 0 && this.supersedes(cell, info, shared, strand, access)) {
        words[cell + CELL.info] = info & ~shared;
        isGone = (info & BYTES_MASK) === shared;
      }
      if (isGone) {
        if (before === 0) page.granules[index] = next;
        else words[before] = next;
        this.shadow.release(cell);
      } else before = cell;
      cell = next;
    }
  }

  /** Whether the cell's access matters no more for the shared bytes: whoever conflicts with it conflicts with this one. */
  private supersedes(
    cell: number,
    info: number,
    bytes: number,
    strand: Strand,
    access: Access,
  ): boolean {
    const slot = info >>> SLOT_SHIFT;
    const isOrdered =
      slot === strand.slot || this.shadow.words[cell + CELL.time] <= strand.clock.get(slot);
    const wasWrite = (info & IS_WRITE) !== 0;
    const wasAtomic = (info & IS_ATOMIC) !== 0;
    // An atomic access does not conflict with all that conflicts with a plain one.
    if (isOrdered) return (access.isWrite || !wasWrite) && (wasAtomic || !access.isAtomic);
    if (!access.isWrite && !wasWrite) return false;
    if (wasAtomic && access.isAtomic) return access.isWrite;
    // A plain load that meets only atomic stores may be a relaxed atomic load: the two look the same.
    const isRelaxed = wasAtomic ? !access.isWrite : access.isAtomic && !wasWrite;
    if (isRelaxed) return false;
    this.onRace(cell, bytes, strand, access);
    return access.isWrite && !access.isAtomic;
  }

  private add(page: ShadowPage, index: number, strand: Strand, access: Access): void {
    const cell = page.granules[index];
    const { words } = this.shadow;
    if (cell !== 0) {
      const info = words[cell + CELL.info];
      const isSame =
        info >>> SLOT_SHIFT === strand.slot &&
        words[cell + CELL.time] === strand.time &&
        words[cell + CELL.pc] === access.pc &&
        (info & SAME) === flagsOf(access);
      if (isSame) {
        words[cell + CELL.info] = info | access.mask;
        this.update(cell, access);
        return;
      }
    }
    const made = this.shadow.allocate();
    // Allocating may have moved the words.
    const all = this.shadow.words;
    all[made + CELL.next] = cell;
    all[made + CELL.info] = access.mask | flagsOf(access) | (strand.slot << SLOT_SHIFT);
    all[made + CELL.time] = strand.time;
    all[made + CELL.pc] = access.pc;
    for (let word = CELL.value; word < CELL.old + 2; word++) all[made + word] = 0;
    page.granules[index] = made;
    this.update(made, access);
  }

  /** Values at their places, and the instruction count of the last one. */
  private update(cell: number, access: Access): void {
    const { words } = this.shadow;
    const { instret, mask } = access;
    words[cell + CELL.instret] = instret;
    words[cell + CELL.instret + 1] = instret / 2 ** 32;
    if (mask === BYTES_MASK) {
      words[cell + CELL.value] = access.valueLow;
      words[cell + CELL.value + 1] = access.valueHigh;
      words[cell + CELL.old] = access.oldLow;
      words[cell + CELL.old + 1] = access.oldHigh;
      return;
    }
    const low = LANES[mask & 0xf];
    const high = LANES[mask >>> 4];
    const put = (word: number, lanes: number, value: number): void => {
      words[word] = (words[word] & ~lanes) | (value & lanes);
    };
    put(cell + CELL.value, low, access.valueLow);
    put(cell + CELL.value + 1, high, access.valueHigh);
    put(cell + CELL.old, low, access.oldLow);
    put(cell + CELL.old + 1, high, access.oldHigh);
  }
}

/** All bits of the bytes that a mask of four bits names. */
const LANES = Uint32Array.from({ length: 16 }, (_, mask) =>
  [0, 1, 2, 3].reduce((bits, n) => bits + (mask & (1 << n) ? 0xff * 2 ** (8 * n) : 0), 0),
);

function flagsOf(access: Access): number {
  return (
    (access.isWrite ? IS_WRITE : 0) |
    (access.isAtomic ? IS_ATOMIC : 0) |
    (access.isValueKnown ? VALUE_KNOWN : 0) |
    (access.isOldKnown ? OLD_KNOWN : 0)
  );
}
