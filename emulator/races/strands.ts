import { LogEntry } from '../engine/access-log';
import { VectorClock } from './vector-clock';

/** Who a strand is, for reports. */
export interface Identity {
  /** Its mhartid. */
  readonly hart: number;
  /** Of a vCPU: number of its task, and its own in it. */
  readonly task?: number;
  readonly vcpu?: number;
}

/** One hart from its start to its end: what vector clocks count. */
export class Strand {
  /** What happened before its next access. */
  readonly clock: VectorClock;
  /** What its atomic stores publish because of a release fence before them; undefined = no fence yet. */
  released: VectorClock | undefined;
  /** What its atomic loads have seen and its next acquire fence makes known. */
  readonly pending = new VectorClock();
  /** Nobody else can reach the pages that are its space's own. */
  exclusive = false;
  /** The last thing it did was a release fence: a plain store that follows is a synchronising one. */
  fenced = false;
  /** A plain load whose meaning what follows it decides: synchronising, when that is an acquire fence. */
  readonly load = new LogEntry();
  hasLoad = false;
  ended = false;

  /**
   * @param slot its component of vector clocks
   * @param first its time there when it starts
   */
  constructor(
    readonly identity: Identity,
    readonly slot: number,
    readonly first: number,
    clock: VectorClock,
  ) {
    this.clock = clock;
    clock.set(slot, first);
  }

  /** Its own time. What it does from now on is not known to those who know the former time. */
  get time(): number {
    return this.clock.get(this.slot);
  }

  advance(): void {
    this.clock.set(this.slot, this.time + 1);
  }
}

/** More slots are made only when so many harts live: ended ones that nobody has joined count as joined then. */
const MOST_SLOTS = 4096;
/** Former strands of a slot that a report can still name. */
const LIVES = 64;

interface Slot {
  strand: Strand | undefined;
  /** Time of the last strand at its end. */
  last: number;
  /** The slot's strands, the newest last. */
  readonly lives: { readonly first: number; readonly identity: Identity }[];
}

/** All strands of a machine, and the slots that they have in vector clocks. */
export class Strands {
  private readonly slots: Slot[] = [];
  private alive = 0;

  /** A strand that knows what its parent knows now. */
  start(identity: Identity, parent?: Strand): Strand {
    const number = this.freeSlot(parent);
    const slot = this.slots[number];
    const clock = parent?.clock.copy() ?? new VectorClock();
    const strand = new Strand(identity, number, slot.last + 1, clock);
    parent?.advance();
    slot.strand = strand;
    slot.lives.push({ first: strand.first, identity });
    if (slot.lives.length > LIVES) slot.lives.shift();
    this.alive += 1;
    return strand;
  }

  end(strand: Strand): void {
    if (strand.ended) return;
    strand.ended = true;
    const slot = this.slots[strand.slot];
    slot.last = strand.time;
    slot.strand = undefined;
    this.alive -= 1;
  }

  /** Whether everything that others did is known to `strand`, which is the only one left. */
  isSerial(strand: Strand): boolean {
    return (
      this.alive === 1 &&
      this.slots.every(({ last, strand: other }, n) => other || strand.clock.get(n) >= last)
    );
  }

  /** The strand that has the slot now. */
  living(slot: number): Strand | undefined {
    return this.slots[slot]?.strand;
  }

  /** Who did something in `slot` at `time`; undefined when that is too long ago. */
  who(slot: number, time: number): Identity | undefined {
    return this.slots[slot]?.lives.findLast(({ first }) => first <= time)?.identity;
  }

  /** A slot is used again only by who knows all that its former strand did: their times stay comparable. */
  private freeSlot(parent: Strand | undefined): number {
    const free = this.slots.findIndex(
      ({ strand, last }, n) => !strand && parent !== undefined && parent.clock.get(n) >= last,
    );
    if (free >= 0) return free;
    if (this.slots.length >= MOST_SLOTS) {
      const ended = this.slots.findIndex(({ strand }) => !strand);
      if (ended >= 0) {
        parent?.clock.set(ended, this.slots[ended].last);
        return ended;
      }
    }
    this.slots.push({ strand: undefined, last: 0, lives: [] });
    return this.slots.length - 1;
  }
}
