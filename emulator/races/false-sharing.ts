import { PAGE_SIZE } from '../memory/layout';
import type { Access } from './access';
import type { FalseSharing, SharingSide } from './report';
import { CELL_WORDS, LINE, type Shadow, type ShadowPage } from './shadow';
import type { Identity, Strand, Strands } from './strands';

/** Words of a cell (shadow.ts). */
const CELL = {
  next: 0,
  slot: 1,
  time: 2,
  loadPc: 3,
  loaded: 4,
  stored: 6,
  loads: 8,
  stores: 9,
  storePc: 10,
  isReported: 11,
} as const;
/** Harts of one line or page that are remembered. */
const MOST_HARTS = 64;

/** One hart's part in a line or page that is shared just now; what it did stands in its cell as long as there is one. */
interface Side {
  cell: number;
  readonly slot: number;
  readonly time: number;
  readonly identity: Identity;
  done: Omit<SharingSide, 'from' | 'to'>;
  /** Loaded and stored parts, low and high halves. */
  masks: readonly [number, number, number, number];
}

interface Active {
  readonly owner: number;
  readonly level: 'line' | 'page';
  readonly address: number;
  readonly sides: Side[];
  /** Indices of sides that share, each pair once. */
  readonly pairs: (readonly [number, number])[];
}

/**
 * Finds lines and pages that harts share without sharing a byte: while nothing orders them, one stores and
 * the other loads or stores elsewhere. A pair that turns out to use a byte together (of a page: a line) is none.
 */
export class FalseSharingCheck {
  /** Pairs beyond those that are kept. */
  notKept = 0;
  private readonly active = new Map<string, Active>();
  private readonly found = new Map<string, FalseSharing>();

  /** @param most pairs, and lines and pages at a time, that are kept */
  constructor(
    private readonly shadow: Shadow,
    private readonly strands: Strands,
    private readonly most: number,
  ) {
    shadow.onForget = (page) => this.forget(page);
  }

  check(page: ShadowPage, strand: Strand, access: Access): void {
    const at = access.granule & (PAGE_SIZE - 1);
    const line = at >>> 6;
    const shift = at & (LINE - 1);
    const low = shift < 32 ? access.mask << shift : 0;
    const high = shift < 32 ? 0 : access.mask << (shift - 32);
    const head = page.lines[line];
    const isHere = head !== 0 && this.isOf(head, strand);
    const cell = isHere ? head : this.arrive(page, line, strand);
    const isFirst = this.note(cell, access, low, high, strand.time);
    if (isHere && !isFirst) return;
    this.meet('line', page, cell, page.page * PAGE_SIZE + line * LINE);
    if (isFirst) this.touchPage(page, line, strand, access);
  }

  /** All cells are about to go: what they say is kept. */
  settle(): void {
    for (const [key, active] of this.active) {
      for (const pair of this.pairsOf(active)) this.keep(key, pair);
    }
    this.active.clear();
  }

  /** What was found, lines first, those with the most accesses first. */
  list(): FalseSharing[] {
    const all = new Map(this.found);
    for (const [key, active] of this.active) {
      for (const pair of this.pairsOf(active)) add(all, key, pair);
    }
    const rank = ({ level, count }: FalseSharing): number => (level === 'line' ? 1e15 : 0) + count;
    return [...all.values()].sort((one, other) => rank(other) - rank(one));
  }

  /** The cells of one page are about to go. */
  private forget({ owner, page }: ShadowPage): void {
    for (const active of this.active.values()) {
      if (active.owner !== owner || Math.floor(active.address / PAGE_SIZE) !== page) continue;
      for (const side of active.sides) {
        this.read(side);
        side.cell = 0;
      }
    }
  }

  private isOf(cell: number, strand: Strand): boolean {
    const { words } = this.shadow;
    return words[cell + CELL.slot] === strand.slot && words[cell + CELL.time] >= strand.first;
  }

  /** The hart's cell of a line or page comes to the front of the list; a new one if it has none. */
  private arrive(page: ShadowPage, line: number | undefined, strand: Strand): number {
    const head = line === undefined ? page.whole : page.lines[line];
    const { words } = this.shadow;
    let before = 0;
    let cell = head;
    for (let count = 1; cell !== 0 && words[cell + CELL.slot] !== strand.slot; count++) {
      // Of too many, the one that came longest ago makes room.
      if (count >= MOST_HARTS && words[cell] === 0) break;
      before = cell;
      cell = words[cell];
    }
    if (cell === 0) {
      cell = this.shadow.allocate();
      this.shadow.words.fill(0, cell, cell + CELL_WORDS);
    } else {
      if (!this.isOf(cell, strand)) this.reset(cell);
      if (before !== 0) words[before] = words[cell];
    }
    const all = this.shadow.words;
    if (cell !== head) all[cell] = head;
    all[cell + CELL.slot] = strand.slot;
    if (line === undefined) page.whole = cell;
    else page.lines[line] = cell;
    return cell;
  }

  /** Another strand takes the cell over. */
  private reset(cell: number): void {
    const { words } = this.shadow;
    if (words[cell + CELL.isReported] !== 0) {
      for (const { sides } of this.active.values()) {
        for (const side of sides) {
          if (side.cell !== cell) continue;
          this.read(side);
          side.cell = 0;
        }
      }
    }
    words.fill(0, cell + CELL.time, cell + CELL_WORDS);
  }

  /** @returns whether it is the hart's first load or store there */
  private note(cell: number, access: Access, low: number, high: number, time: number): boolean {
    const { words } = this.shadow;
    const { isWrite } = access;
    words[cell + CELL.time] = time;
    const mask = cell + (isWrite ? CELL.stored : CELL.loaded);
    words[mask] |= low;
    words[mask + 1] |= high;
    words[cell + (isWrite ? CELL.storePc : CELL.loadPc)] = access.pc;
    return words[cell + (isWrite ? CELL.stores : CELL.loads)]++ === 0;
  }

  /** The first time that a hart loads from or stores to a line, its page is told. */
  private touchPage(page: ShadowPage, line: number, strand: Strand, access: Access): void {
    const isHere = page.whole !== 0 && this.isOf(page.whole, strand);
    const cell = isHere ? page.whole : this.arrive(page, undefined, strand);
    const low = line < 32 ? 1 << line : 0;
    const high = line < 32 ? 0 : 1 << (line - 32);
    const isFirst = this.note(cell, access, low, high, strand.time);
    if (!isHere || isFirst) this.meet('page', page, cell, page.page * PAGE_SIZE);
  }

  /** Looks whether the hart of the first cell shares the line or page with others at the same time. */
  private meet(level: 'line' | 'page', page: ShadowPage, cell: number, address: number): void {
    const { words } = this.shadow;
    if (words[cell] === 0) return;
    const strand = this.strands.living(words[cell + CELL.slot]);
    if (!strand) return;
    for (let other = words[cell]; other !== 0; other = words[other]) {
      if (words[other + CELL.time] <= strand.clock.get(words[other + CELL.slot])) continue;
      if (words[cell + CELL.stores] === 0 && words[other + CELL.stores] === 0) continue;
      if (overlap(this.masksOf(cell), this.masksOf(other))) continue;
      const active = this.activeOf(level, page.owner, address);
      const pair = active && ([this.sideOf(active, other), this.sideOf(active, cell)] as const);
      if (!pair || pair.includes(-1)) {
        this.notKept += 1;
        continue;
      }
      const isKnown = active.pairs.some((known) => pair.every((side) => known.includes(side)));
      if (!isKnown) active.pairs.push(pair);
    }
  }

  private activeOf(level: 'line' | 'page', owner: number, address: number): Active | undefined {
    const key = `${level} ${owner} ${address}`;
    let active = this.active.get(key);
    if (!active && this.active.size < this.most) {
      active = { owner, level, address, sides: [], pairs: [] };
      this.active.set(key, active);
    }
    return active;
  }

  /** Index of the side that a cell's hart has in a report, −1 when there is no room for it. */
  private sideOf({ sides }: Active, cell: number): number {
    const index = sides.findIndex((side) => side.cell === cell);
    if (index >= 0) return index;
    const { words } = this.shadow;
    const slot = words[cell + CELL.slot];
    const time = words[cell + CELL.time];
    const identity = this.strands.who(slot, time);
    if (!identity || sides.length >= MOST_HARTS) return -1;
    words[cell + CELL.isReported] = 1;
    const done = { ...identity, loads: 0, stores: 0, loadPc: 0, storePc: 0 };
    sides.push({ cell, slot, time, identity, done, masks: [0, 0, 0, 0] });
    return sides.length - 1;
  }

  private masksOf(cell: number): Side['masks'] {
    const { words } = this.shadow;
    const at = cell + CELL.loaded;
    return [words[at], words[at + 1], words[at + 2], words[at + 3]];
  }

  /** Brings a side up to date while its cell is there. */
  private read(side: Side): void {
    if (side.cell === 0) return;
    const { words } = this.shadow;
    const { cell } = side;
    side.masks = this.masksOf(cell);
    side.done = {
      ...side.identity,
      loads: words[cell + CELL.loads],
      stores: words[cell + CELL.stores],
      loadPc: words[cell + CELL.loadPc],
      storePc: words[cell + CELL.storePc],
    };
  }

  private *pairsOf({ level, address, sides, pairs }: Active): Generator<FalseSharing> {
    for (const side of sides) this.read(side);
    for (const [one, other] of pairs.map((pair) => pair.map((index) => sides[index]))) {
      if (overlap(one.masks, other.masks)) continue;
      const [first, second] = [one, other]
        .map(({ done, masks }) => ({ ...done, ...extent(masks, address, level) }))
        .sort((a, b) => a.hart - b.hart);
      const count = first.loads + first.stores + second.loads + second.stores;
      yield { level, address, size: level === 'line' ? LINE : PAGE_SIZE, count, first, second };
    }
  }

  private keep(key: string, pair: FalseSharing): void {
    if (!add(this.found, key, pair, this.most)) this.notKept += 1;
  }
}

/** Adds a pair to those of the same harts at the same place. False when there is no room. */
function add(
  found: Map<string, FalseSharing>,
  place: string,
  pair: FalseSharing,
  most = Infinity,
): boolean {
  const key = `${place} ${pair.first.hart} ${pair.second.hart}`;
  const known = found.get(key);
  if (!known && found.size >= most) return false;
  const sum = (one: SharingSide, other: SharingSide): SharingSide => ({
    ...other,
    loads: one.loads + other.loads,
    stores: one.stores + other.stores,
    loadPc: other.loadPc || one.loadPc,
    storePc: other.storePc || one.storePc,
    from: Math.min(one.from, other.from),
    to: Math.max(one.to, other.to),
  });
  const all = known && {
    ...pair,
    count: known.count + pair.count,
    first: sum(known.first, pair.first),
    second: sum(known.second, pair.second),
  };
  found.set(key, all ?? pair);
  return true;
}

/** First byte that was used of a line or page, and the byte after the last: a mask has a bit for each byte, or line. */
function extent(
  [loadedLow, loadedHigh, storedLow, storedHigh]: Side['masks'],
  address: number,
  level: Active['level'],
): Pick<SharingSide, 'from' | 'to'> {
  const [low, high] = [(loadedLow | storedLow) >>> 0, (loadedHigh | storedHigh) >>> 0];
  const first = low !== 0 ? 31 - Math.clz32(low & -low) : 63 - Math.clz32(high & -high);
  const last = high !== 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(low);
  const unit = level === 'line' ? 1 : LINE;
  return { from: address + first * unit, to: address + (last + 1) * unit };
}

/** Whether one stores where the other loads or stores. */
function overlap(one: Side['masks'], other: Side['masks']): boolean {
  const [loadedLow, loadedHigh, storedLow, storedHigh] = one;
  return (
    (storedLow & (other[0] | other[2])) !== 0 ||
    (storedHigh & (other[1] | other[3])) !== 0 ||
    (loadedLow & other[2]) !== 0 ||
    (loadedHigh & other[3]) !== 0
  );
}
