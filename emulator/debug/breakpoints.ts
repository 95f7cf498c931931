import { EVENT_KINDS } from '../memory/events';
import type { Hart } from '../multiprocess/hart';
import { placeOf } from './breakpoint-places';
import {
  concerns,
  EXIT_EVENT,
  judge,
  readTexts,
  type BreakpointHit,
  type Entry,
  type Place,
  type Print,
} from './breakpoint-rules';
import { CodePlanter } from './code-planter';
import { DataPlanter, type WatchedRange } from './data-planter';
import { ExpressionError } from './expression-tokens';
import type { Breakpoint, BreakpointSpec } from './protocol';
import type { DebugTarget } from './target';

/** System calls by number (asm-generic/unistd.h). */
const EXIT = 93;
const EXIT_GROUP = 94;
const A7 = 17;

/**
 * The user's breakpoints, and the temporary ones of steps. They outlive the program: opening or
 * restarting one resolves them anew.
 */
export class BreakpointTable {
  private readonly entries = new Map<number, Entry>();
  private readonly code = new CodePlanter();
  private readonly data = new DataPlanter();
  private target: DebugTarget | undefined;
  private nextId = 1;
  /** Told what breakpoints print. */
  onPrint: Print = () => undefined;
  /** Harts that a system call breakpoint has been looked at for, and at which instruction. */
  private settledCalls = new WeakMap<Hart, number>();

  /** Resolves all breakpoints for a program that has just been loaded. */
  attach(target: DebugTarget): void {
    this.target = target;
    this.code.attach(target.stops);
    this.data.attach(target);
    target.hooks.hartMade = (hart) => this.data.cover(hart);
    target.hooks.programBegun = () => this.plantInPrograms();
    target.hooks.libraryMapped = (hart) => this.plantInLibrary(target, hart);
    for (const entry of this.entries.values()) {
      entry.hits = 0;
      this.resolve(entry);
    }
    this.plant();
  }

  /** A process has another program: breakpoints get their places in it, some of them their first one. */
  private plantInPrograms(): void {
    for (const entry of this.entries.values()) if (!entry.place) this.resolve(entry);
    this.plant();
  }

  /**
   * A process has another shared library: what had no place in its programs may have one there, and lines of
   * headers further ones. Other places stay: what they were computed from has changed since.
   */
  private plantInLibrary(target: DebugTarget, hart: Hart): void {
    const program = target.programOf(hart);
    for (const entry of this.entries.values()) {
      const isLine = entry.place?.kind === 'code' && entry.place.line !== undefined;
      if (!entry.place || isLine) this.resolve(entry);
      else if (entry.addresses.get(program)?.length === 0) entry.addresses.delete(program);
    }
    this.plant();
  }

  list(): Breakpoint[] {
    return [...this.entries.values()].map((entry) => this.describe(entry));
  }

  add(spec: BreakpointSpec): Breakpoint {
    const addresses = new WeakMap<object, readonly number[]>();
    const entry: Entry = { id: this.nextId++, spec, hits: 0, addresses };
    this.entries.set(entry.id, entry);
    this.resolve(entry);
    this.plant();
    return this.describe(entry);
  }

  /** @throws Error when there is no breakpoint of that number */
  update(id: number, spec: BreakpointSpec): Breakpoint {
    const entry = this.find(id);
    entry.spec = spec;
    this.resolve(entry);
    this.plant();
    return this.describe(entry);
  }

  /** @throws Error when there is no breakpoint of that number */
  remove(id: number): void {
    this.find(id);
    this.entries.delete(id);
    this.plant();
  }

  /** Stops at these addresses until the returned function is called. */
  plantTemporarily(addresses: readonly number[]): () => void {
    return this.code.add(addresses);
  }

  /** Whether a user's breakpoint lies at the hart's next instruction. */
  liesAt(hart: Hart): boolean {
    return this.codeAt(hart).length > 0;
  }

  /** A hart has come to an address where breakpoints lie; the one that wants a stop, if one does. */
  hit(hart: Hart): BreakpointHit | undefined {
    return this.judgeAll(this.codeAt(hart), hart);
  }

  /** Data breakpoints that an access touches, of whatever kind it is. */
  touched(hart: Hart, address: number, size: number): WatchedRange[] {
    return this.data.touching(hart, address, size);
  }

  get watchesData(): boolean {
    return this.data.any;
  }

  /** An access to a data breakpoint has been made; `old` and `new` are what its condition may use. */
  hitData(
    id: number,
    hart: Hart,
    values: Readonly<Record<string, bigint>>,
  ): BreakpointHit | undefined {
    const entry = this.entries.get(id);
    return entry && this.judgeAll([entry], hart, values);
  }

  /** The hart stands at a system call. */
  hitCall(hart: Hart, number: number): BreakpointHit | undefined {
    this.settledCalls.set(hart, hart.state.instret);
    return this.judgeAll(this.callsAt(hart, number), hart);
  }

  /** The hart stands at a system call that may end its process. */
  hitExit(hart: Hart, number: number): BreakpointHit | undefined {
    this.settledCalls.set(hart, hart.state.instret);
    return this.judgeAll(this.exitsAt(hart, number), hart);
  }

  /** Something has happened to the hart. */
  hitEvent(hart: Hart, event: string): BreakpointHit | undefined {
    const mine = this.active(({ place }) => place?.kind === 'event' && place.event === event);
    return this.judgeAll(
      mine.filter((entry) => concerns(entry, hart.index)),
      hart,
    );
  }

  /** A stop at it has been told: a temporary one goes. */
  stopped(id: number): void {
    if (this.entries.get(id)?.spec.temporary === true) this.remove(id);
  }

  barrier(id: number): BreakpointSpec | undefined {
    const spec = this.entries.get(id)?.spec;
    return spec?.barrier === true && spec.enabled ? spec : undefined;
  }

  private judgeAll(
    entries: readonly Entry[],
    hart: Hart,
    values?: Readonly<Record<string, bigint>>,
  ): BreakpointHit | undefined {
    const { target } = this;
    if (!target) return undefined;
    // Each counts its hits, also where an earlier one stops.
    const hits = entries.flatMap(
      (entry) => judge(entry, target, hart, (id, text) => this.onPrint(id, text), values) ?? [],
    );
    return hits.find(({ barrier }) => !barrier) ?? hits[0];
  }

  private codeAt(hart: Hart): Entry[] {
    return this.active(
      (entry) =>
        concerns(entry, hart.index) && this.addressesIn(entry, hart).includes(hart.state.pc),
    );
  }

  /** Where a breakpoint in code lies in the program that a hart runs. */
  private addressesIn(entry: Entry, hart: Hart): readonly number[] {
    const { target } = this;
    if (!target || entry.place?.kind !== 'code') return [];
    const program = target.programOf(hart);
    let found = entry.addresses.get(program);
    if (!found) {
      const place = readPlace(target, entry.spec, hart);
      const isCode = !(place instanceof ExpressionError) && place.kind === 'code';
      found = isCode ? place.locations.map(({ address }) => address) : [];
      entry.addresses.set(program, found);
    }
    return found;
  }

  private callsAt({ index }: Hart, number: number): Entry[] {
    return this.active((entry) => {
      if (entry.place?.kind !== 'syscall' || !concerns(entry, index)) return false;
      return entry.place.number === undefined || entry.place.number === number;
    });
  }

  private exitsAt(hart: Hart, number: number): Entry[] {
    if (!this.target || !endsProcess(this.target, hart, number)) return [];
    return this.active(
      (entry) =>
        entry.place?.kind === 'event' &&
        entry.place.event === EXIT_EVENT &&
        concerns(entry, hart.index),
    );
  }

  private active(fits: (entry: Entry) => boolean): Entry[] {
    return [...this.entries.values()].filter((entry) => entry.spec.enabled && fits(entry));
  }

  private find(id: number): Entry {
    const entry = this.entries.get(id);
    if (!entry) throw new Error(`There is no breakpoint ${id}.`);
    return entry;
  }

  /** Reads the texts of a breakpoint; what is wrong with them becomes its problem. */
  private resolve(entry: Entry): void {
    entry.problem = entry.place = undefined;
    entry.addresses = new WeakMap();
    const { target } = this;
    try {
      readTexts(entry);
      if (target) this.findPlace(target, entry);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      entry.problem = error.message;
    }
  }

  /**
   * Finds the place in the first program that has it, beginning with the one that ran last.
   * @throws ExpressionError when no program has it
   */
  private findPlace(target: DebugTarget, entry: Entry): void {
    let problem: ExpressionError | undefined;
    for (const hart of oneOfEachProgram(target)) {
      const place = readPlace(target, entry.spec, hart);
      if (place instanceof ExpressionError) problem ??= place;
      else {
        entry.place = place;
        if (place.kind === 'code') {
          const addresses = place.locations.map(({ address }) => address);
          entry.addresses.set(target.programOf(hart), addresses);
        }
        return;
      }
    }
    if (problem) throw problem;
  }

  /** Lets the machine stop where the breakpoints are. */
  private plant(): void {
    const { target } = this;
    if (!target) return;
    const places = this.active(() => true);
    const programs = oneOfEachProgram(target);
    this.code.plant(
      places.flatMap((entry) => programs.flatMap((hart) => this.addressesIn(entry, hart))),
    );
    this.data.plant(
      places.flatMap(({ id, place, spec }) =>
        place?.kind === 'data'
          ? [
              {
                id,
                address: place.location.address,
                length: place.length,
                access: spec.access ?? 'write',
                harts: spec.harts,
              },
            ]
          : [],
      ),
    );
    const calls = places.some(
      ({ place }) =>
        place?.kind === 'syscall' || (place?.kind === 'event' && place.event === EXIT_EVENT),
    );
    target.hooks.stopsAtCall = calls ? (hart) => this.wantsCall(hart) : undefined;
    const events = new Set(
      places.flatMap(({ place }) => (place?.kind === 'event' ? [place.event] : [])),
    );
    target.arena.events.stopAt(EVENT_KINDS.filter((kind) => events.has(kind)));
  }

  private wantsCall(hart: Hart): boolean {
    if (this.settledCalls.get(hart) === hart.state.instret) return false;
    const number = hart.state.xNumber(A7);
    return this.callsAt(hart, number).length > 0 || this.exitsAt(hart, number).length > 0;
  }

  private describe({ id, spec, hits, place, problem }: Entry): Breakpoint {
    return {
      ...spec,
      id,
      hits,
      ...(place && locations(place)),
      ...(problem !== undefined && { problem }),
    };
  }
}

/** Whether a call ends the hart's process: exit_group, and exit of its last thread. */
function endsProcess({ liveHarts }: DebugTarget, hart: Hart, number: number): boolean {
  if (hart.vcpu) return false;
  if (number === EXIT_GROUP) return true;
  const threads = liveHarts.filter(({ owner, vcpu }) => owner === hart.owner && !vcpu);
  return number === EXIT && threads.length === 1;
}

/** A hart of each program that processes run; first the one that ran last. */
function oneOfEachProgram(target: DebugTarget): Hart[] {
  const { current, liveHarts } = target;
  const harts = new Map<object, Hart>();
  for (const hart of current.ended ? liveHarts : [current, ...liveHarts]) {
    const program = target.programOf(hart);
    if (!harts.has(program)) harts.set(program, hart);
  }
  return [...harts.values()];
}

/** The place that a breakpoint has in the program that a hart runs, or why it has none. */
function readPlace(target: DebugTarget, spec: BreakpointSpec, hart: Hart): Place | ExpressionError {
  try {
    return placeOf(target, spec, hart);
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
}

/** Where a breakpoint lies, for its clients. */
function locations(place: Place): Partial<Breakpoint> {
  if (place.kind === 'code') {
    const all = place.locations;
    return {
      location: all[0],
      ...(all.length > 1 && { locations: all }),
      ...(place.line !== undefined && { line: place.line }),
    };
  }
  if (place.kind !== 'data') return {};
  return { location: place.location, watched: place.length };
}
