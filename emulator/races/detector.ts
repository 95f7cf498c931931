import { LOG_KIND, LogEntry, type AccessLog } from '../engine/access-log';
import type { AddressSpace } from '../memory/address-space';
import { PAGE_SIZE } from '../memory/layout';
import { Access, GRANULE } from './access';
import { ByteCheck } from './byte-check';
import { FalseSharingCheck } from './false-sharing';
import { ACQUIRES, atomicOrders, fenceOrders, RELEASES } from './orders';
import { RaceList } from './race-list';
import type { RaceReport } from './report';
import { Shadow, type ShadowPage } from './shadow';
import { Strands, type Strand } from './strands';
import { Synchronisation } from './synchronisation';

/** How much a check keeps. What is left out has the default in brackets. */
export interface RaceLimits {
  /** Pairs of places in the code that race [1000]. */
  readonly races?: number;
  /** Pairs of harts that share a line or page [1000]. */
  readonly falseSharing?: number;
  /** Accesses that are remembered, 48 bytes each [4 Mi]. */
  readonly accesses?: number;
}

const MOST_REPORTED = 1000;
const MOST_ACCESSES = 4 << 20;
/** Direct-mapped by page number. */
const CACHED_PAGES = 64;

/** Reads access logs: makes of them what the checks and the synchronisation want to know. */
export class Detector {
  readonly strands = new Strands();
  readonly synchronisation = new Synchronisation();
  readonly races: RaceList;
  private readonly shadow: Shadow;
  private readonly bytes: ByteCheck;
  private readonly sharing: FalseSharingCheck;
  private readonly access = new Access();
  private readonly entry = new LogEntry();
  private readonly cachedNumbers = new Int32Array(CACHED_PAGES).fill(-1);
  private readonly cachedPages = new Array<ShadowPage | undefined>(CACHED_PAGES);
  /** Whose pages are cached. */
  private reader: Strand | undefined;

  constructor(limits: RaceLimits = {}) {
    this.shadow = new Shadow(limits.accesses ?? MOST_ACCESSES);
    this.races = new RaceList(this.shadow, this.strands, limits.races ?? MOST_REPORTED);
    this.bytes = new ByteCheck(this.shadow, (cell, bytes, strand, access) =>
      this.races.add(cell, bytes, strand, access),
    );
    const most = limits.falseSharing ?? MOST_REPORTED;
    this.sharing = new FalseSharingCheck(this.shadow, this.strands, most);
  }

  report(): RaceReport {
    return {
      races: this.races.list(),
      falseSharing: this.sharing.list(),
      notKept: {
        races: this.races.notKept,
        falseSharing: this.sharing.notKept,
        pages: this.shadow.forgotten,
        loads: this.bytes.forgotten,
        words: this.synchronisation.forgotten,
      },
    };
  }

  /** What a hart has done in its space since its last log. */
  read(log: AccessLog, strand: Strand, space: AddressSpace): void {
    if (this.reader !== strand) this.noteMapping();
    this.reader = strand;
    if (this.shadow.makeRoom()) this.noteMapping();
    for (let n = 0; n < log.length; n++) {
      if (log.kind(n) === LOG_KIND.load) this.load(log, n, strand, space);
      else this.other(log.read(n, this.entry), strand, space);
    }
  }

  /** Whose pages lie where has changed. */
  noteMapping(): void {
    this.cachedNumbers.fill(-1);
  }

  /** The hart has left its code: a load that waited to be understood was a plain one. */
  settle(strand: Strand, space: AddressSpace): void {
    if (!strand.hasLoad) return;
    if (this.reader !== strand) this.noteMapping();
    this.reader = strand;
    this.endLoad(strand, space, false);
  }

  /** A hart that knows about everything is alone: what was before can race with nothing. */
  forgetAll(): void {
    this.sharing.settle();
    this.shadow.clear();
    this.synchronisation.clear();
    this.noteMapping();
  }

  /** Guest addresses [start, end) of a space are other memory from now on. */
  forgetRange(owner: number, start: number, end: number): void {
    this.shadow.forget(owner, start, end);
    this.noteMapping();
  }

  /** The kernel clears a word at a thread's end: whoever reads it knows what the thread did. */
  publish(strand: Strand, owner: number, address: number): void {
    this.synchronisation.store(strand, owner, address, true);
    const page = this.shadow.page(owner, Math.floor(address / PAGE_SIZE));
    (page.published ??= new Set()).add(address - (address % GRANULE));
  }

  /** In a loop that waits the same load comes again and again; the last one stands for all of them. */
  private load(log: AccessLog, n: number, strand: Strand, space: AddressSpace): void {
    const { load } = strand;
    if (strand.hasLoad) {
      const next = log.read(n, this.entry);
      if (next.pc !== load.pc || next.address !== load.address) this.endLoad(strand, space, false);
    }
    strand.hasLoad = true;
    strand.fenced = false;
    log.read(n, load);
  }

  private other(entry: LogEntry, strand: Strand, space: AddressSpace): void {
    if (entry.kind === LOG_KIND.fence) {
      this.fence(fenceOrders(space, entry.pc), strand, space);
      return;
    }
    if (strand.hasLoad) this.endLoad(strand, space, false);
    if (entry.kind === LOG_KIND.store) this.store(entry, strand, space);
    else this.atomic(entry, strand, space);
    strand.fenced = false;
  }

  private endLoad(strand: Strand, space: AddressSpace, isAtomic: boolean): void {
    const { load } = strand;
    strand.hasLoad = false;
    if (isAtomic) this.synchronisation.load(strand, ownerOf(space, load), load.address, false);
    this.tell(load, strand, space, false, isAtomic);
  }

  private fence(orders: number, strand: Strand, space: AddressSpace): void {
    const acquires = (orders & ACQUIRES) !== 0;
    if (strand.hasLoad) this.endLoad(strand, space, acquires);
    if (acquires) this.synchronisation.acquireFence(strand);
    strand.fenced = (orders & RELEASES) !== 0;
    if (strand.fenced) this.synchronisation.releaseFence(strand);
  }

  /** One that follows a release fence is a synchronising store. */
  private store(entry: LogEntry, strand: Strand, space: AddressSpace): void {
    const isAtomic = strand.fenced;
    if (isAtomic) {
      this.synchronisation.store(strand, ownerOf(space, entry), entry.address, false, true);
    }
    this.tell(entry, strand, space, true, isAtomic);
  }

  private atomic(entry: LogEntry, strand: Strand, space: AddressSpace): void {
    const orders = atomicOrders(space, entry.pc);
    const owner = ownerOf(space, entry);
    const { kind, address } = entry;
    const isWrite = kind !== LOG_KIND.loadReserved;
    // SC.aq makes its LR one of acquire: the two are ordered (RVWMO, rule 8), and GCC relies on it.
    this.synchronisation.load(strand, owner, address, (orders & ACQUIRES) !== 0);
    this.tell(entry, strand, space, isWrite, true);
    if (isWrite) this.synchronisation.store(strand, owner, address, (orders & RELEASES) !== 0);
  }

  /** Tells the checks about an access, in parts where it crosses granules. */
  private tell(
    entry: LogEntry,
    strand: Strand,
    space: AddressSpace,
    isWrite: boolean,
    isAtomic: boolean,
  ): void {
    const { access } = this;
    const { address, size } = entry;
    const at = address & (GRANULE - 1);
    access.isWrite = isWrite;
    access.isAtomic = isAtomic;
    access.pc = entry.pc;
    access.instret = entry.instret;
    access.isValueKnown = entry.kind !== LOG_KIND.amo;
    access.isOldKnown = entry.isOldKnown;
    access.place(entry, at);
    access.mask = (((1 << size) - 1) << at) & 0xff;
    this.part(address - at, strand, space);
    const rest = at + size - GRANULE;
    if (rest <= 0) return;
    access.place(entry, at - GRANULE);
    access.mask = (1 << rest) - 1;
    this.part(address - at + GRANULE, strand, space);
  }

  private part(granule: number, strand: Strand, space: AddressSpace): void {
    const page = this.pageOf(Math.floor(granule / PAGE_SIZE), strand, space);
    if (!page) return;
    const { access } = this;
    access.granule = granule;
    if (page.published?.has(granule) === true && !access.isWrite) {
      this.synchronisation.load(strand, page.owner, granule, true);
      this.synchronisation.load(strand, page.owner, granule + 4, true);
    }
    this.sharing.check(page, strand, access);
    this.bytes.check(page, strand, access);
  }

  /** The shadow of a page; undefined when no other hart can reach it. */
  private pageOf(number: number, strand: Strand, space: AddressSpace): ShadowPage | undefined {
    const index = number & (CACHED_PAGES - 1);
    if (this.cachedNumbers[index] === number) return this.cachedPages[index];
    const owner = space.ownerId(number);
    const isAlone = strand.exclusive && owner === space.id;
    const page = isAlone ? undefined : this.shadow.page(owner, number);
    this.cachedNumbers[index] = number;
    this.cachedPages[index] = page;
    return page;
  }
}

function ownerOf(space: AddressSpace, { address }: LogEntry): number {
  return space.ownerId(Math.floor(address / PAGE_SIZE));
}
