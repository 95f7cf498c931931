import type { Access } from './access';
import { CELL, IS_ATOMIC, IS_WRITE, OLD_KNOWN, SLOT_SHIFT, VALUE_KNOWN } from './byte-check';
import type { Race, RaceSide } from './report';
import type { Shadow } from './shadow';
import type { Strand, Strands } from './strands';

/** A race while more of the same may come. */
type OpenRace = { -readonly [Key in keyof Race]: Race[Key] };

/** The races that were found, one for each pair of places in the code. */
export class RaceList {
  /** Pairs of places beyond those that are kept. */
  notKept = 0;
  /** Told about each new one. */
  onRace: (race: Race) => void = () => undefined;
  private readonly races: OpenRace[] = [];
  /** By the lower and the higher pc. */
  private readonly known = new Map<number, Map<number, OpenRace | undefined>>();

  /** @param most races that are kept */
  constructor(
    private readonly shadow: Shadow,
    private readonly strands: Strands,
    private readonly most: number,
  ) {}

  list(): readonly Race[] {
    return this.races;
  }

  /**
   * Notes that two accesses race.
   * @param cell the earlier one's
   * @param bytes of the granule that both use
   */
  add(cell: number, bytes: number, strand: Strand, access: Access): void {
    const { words } = this.shadow;
    const pc = words[cell + CELL.pc];
    const [low, high] = pc < access.pc ? [pc, access.pc] : [access.pc, pc];
    let ofLow = this.known.get(low);
    if (!ofLow) this.known.set(low, (ofLow = new Map<number, OpenRace | undefined>()));
    const first = Math.clz32(bytes & -bytes) ^ 31;
    const from = access.granule + first;
    const to = access.granule + 32 - Math.clz32(bytes);
    const known = ofLow.get(high);
    if (known) {
      known.count += 1;
      if (from < known.from) known.from = from;
      if (to > known.to) known.to = to;
      return;
    }
    if (this.races.length >= this.most) {
      // Each pair of places counts once here too, as long as it is remembered.
      if (!ofLow.has(high)) this.notKept += 1;
      ofLow.set(high, undefined);
      if (this.known.size > 8 * this.most) this.known.delete(low);
      return;
    }
    const race: OpenRace = {
      number: this.races.length + 1,
      address: from,
      size: to - from,
      from,
      to,
      first: this.earlier(cell, from, to),
      second: later(strand, access, from, to),
      count: 1,
    };
    this.races.push(race);
    ofLow.set(high, race);
    this.onRace(race);
  }

  private earlier(cell: number, from: number, to: number): RaceSide {
    const { words } = this.shadow;
    const info = words[cell + CELL.info];
    const slot = info >>> SLOT_SHIFT;
    const identity = this.strands.who(slot, words[cell + CELL.time]) ?? { hart: -1 };
    const [at, size] = [from % 8, to - from];
    const part = (word: number): string => bytesOf(words[word], words[word + 1], at, size);
    return {
      ...identity,
      access: nameOf((info & IS_WRITE) !== 0, (info & IS_ATOMIC) !== 0),
      pc: words[cell + CELL.pc],
      instructions: words[cell + CELL.instret] + words[cell + CELL.instret + 1] * 2 ** 32,
      ...((info & VALUE_KNOWN) !== 0 && { value: part(cell + CELL.value) }),
      ...((info & OLD_KNOWN) !== 0 && { old: part(cell + CELL.old) }),
    };
  }
}

function later({ identity }: Strand, access: Access, from: number, to: number): RaceSide {
  const [at, size] = [from % 8, to - from];
  const { isWrite, isAtomic, pc, instret } = access;
  return {
    ...identity,
    access: nameOf(isWrite, isAtomic),
    pc,
    instructions: instret,
    ...(access.isValueKnown && { value: bytesOf(access.valueLow, access.valueHigh, at, size) }),
    ...(access.isOldKnown && { old: bytesOf(access.oldLow, access.oldHigh, at, size) }),
  };
}

function nameOf(isWrite: boolean, isAtomic: boolean): RaceSide['access'] {
  if (isAtomic) return isWrite ? 'atomic store' : 'atomic load';
  return isWrite ? 'store' : 'load';
}

/** Some bytes of a granule as one number. */
function bytesOf(low: number, high: number, at: number, size: number): string {
  const all = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  const value = BigInt.asUintN(8 * size, all >> BigInt(8 * at));
  return `0x${value.toString(16).padStart(2 * size, '0')}`;
}
