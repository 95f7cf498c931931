import type { Hart } from '../multiprocess/hart';
import { addProfiles, subtractProfile } from './arithmetic';
import { walk, type HartProfile } from './model';
import type { TimeRange } from './timed-samples';

/** What a hart has run in a part of the host time. */
interface Slice extends TimeRange {
  readonly profile: HartProfile;
  /** How much memory it takes, in rows of counts and nodes of the tree of calls. */
  readonly rows: number;
}

/** A hart's counts as they were read last. */
interface Reading {
  /** Undefined before it has run. */
  readonly profile: HartProfile | undefined;
  readonly instret: number;
  /** When they were read; later when nothing has retired since. */
  time: number;
  /** Milliseconds that reading took. */
  readonly took: number;
}

/** Counts of a part of the host time. */
export interface CountsWithin {
  readonly harts: readonly HartProfile[];
  /** What they really cover: the slices that reach into the part; undefined when none does. */
  readonly covers: TimeRange | undefined;
}

/** Milliseconds between two readings of a hart, at least. */
const LEAST_MS = 5;
/** Of the time, reading takes this part at most. */
const MOST_SHARE = 1 / 20;
/** Slices that are kept, and rows of them. */
const MOST_SLICES = 1 << 14;
const MOST_ROWS = 1 << 20;
/** Milliseconds since 1970 at which `performance.now()` began. */
const EPOCH = performance.timeOrigin;

/**
 * What was counted, by host time: counters have no clock, so that they are read now and then, and what lies between two
 * readings of a hart is a slice. Its counts are exact, its time is as fine as the readings: every few milliseconds, at the
 * hart's start and end, and at its system calls. A long run's older slices are put together, two by two.
 */
export class CountTimes {
  private readonly readings = new Map<Hart, Reading>();
  /** By the hart's name, in order of time. */
  private slices = new Map<string, Slice[]>();
  private rows = 0;
  private count = 0;
  /** Since when no hart runs; undefined while they may. */
  private standsSince: number | undefined;

  /**
   * @param read a hart's counts; it is at home
   * @param now monotonic milliseconds
   */
  constructor(
    private readonly read: (hart: Hart) => HartProfile | undefined,
    private readonly now = (): number => performance.now(),
  ) {}

  /** Counts of a hart that has not run begin here. */
  begin(hart: Hart): void {
    const { instret } = hart.state;
    this.readings.set(hart, { profile: undefined, instret, time: this.now(), took: 0 });
  }

  /** It makes a system call: what it has run before is a slice, if reading it is worth the time. */
  calls(hart: Hart): void {
    this.cut(hart, 0);
  }

  /** A system call is over: the wait for it is in no slice. */
  returned(hart: Hart): void {
    const known = this.readings.get(hart);
    // The call itself has retired.
    if (known && hart.state.instret <= known.instret + 1) known.time = this.now();
  }

  /** @param profile all that it has run */
  ended(hart: Hart, profile: HartProfile | undefined): void {
    const known = this.readings.get(hart);
    this.readings.delete(hart);
    if (known && profile) this.add(profile, known, this.now());
  }

  /** All harts stand still from here on: what is read later has run before. */
  pause(): void {
    this.standsSince ??= this.now();
  }

  /** Harts may run again: the time in which they stood is in no slice of those that were read. */
  resume(): void {
    this.standsSince = undefined;
    const now = this.now();
    for (const [hart, reading] of this.readings) {
      if (hart.state.instret === reading.instret) reading.time = now;
    }
  }

  /** Whether harts are to be read: they must be at home for `take`. */
  get isDue(): boolean {
    const now = this.now();
    for (const [hart, reading] of this.readings) {
      if (hart.state.instret !== reading.instret && isDue(reading, now, LEAST_MS)) return true;
    }
    return false;
  }

  /** Harts have run for a while. */
  take(): void {
    for (const hart of this.readings.keys()) this.cut(hart, LEAST_MS);
  }

  /** All that was counted so far is in slices after this. */
  takeAll(): void {
    for (const hart of this.readings.keys()) this.cut(hart, -Infinity);
  }

  /** @param range host time in milliseconds since 1970 */
  within(range: TimeRange): CountsWithin {
    const parts = [...this.slices.values()]
      .map((slices) => slices.filter(({ from, to }) => to > range.from && from < range.to))
      .filter((slices) => slices.length > 0);
    const all = parts.flat();
    const [first] = all;
    const covers = first && {
      from: all.reduce((least, { from }) => Math.min(least, from), first.from),
      to: all.reduce((most, { to }) => Math.max(most, to), first.to),
    };
    const harts = parts
      .map((slices) => addProfiles(slices.map(({ profile }) => profile)))
      .sort((a, b) => a.hart - b.hart);
    return { harts, covers };
  }

  /** @param least milliseconds since the last reading */
  private cut(hart: Hart, least: number): void {
    const known = this.readings.get(hart);
    if (!known) return;
    const begun = this.now();
    const { instret } = hart.state;
    if (instret === known.instret) {
      known.time = begun;
      return;
    }
    if (!isDue(known, begun, least)) return;
    const profile = this.read(hart);
    const time = this.standsSince ?? begun;
    if (profile) this.add(profile, known, time);
    this.readings.set(hart, { profile, instret, time, took: this.now() - begun });
  }

  private add(now: HartProfile, before: Reading, time: number): void {
    const profile = subtractProfile(now, before.profile);
    if (profile.counts.addresses.length === 0) return;
    const slices = this.slices.get(now.name) ?? [];
    this.slices.set(now.name, slices);
    const slice = sliceOf(profile, { from: EPOCH + before.time, to: EPOCH + time });
    slices.push(slice);
    this.rows += slice.rows;
    this.count += 1;
    if (this.rows > MOST_ROWS || this.count > MOST_SLICES) this.makeRoom();
  }

  private makeRoom(): void {
    for (const [name, slices] of this.slices) this.slices.set(name, inPairs(slices));
    const all = [...this.slices.values()].flat();
    this.rows = all.reduce((sum, { rows }) => sum + rows, 0);
    this.count = all.length;
    if (this.rows <= (3 * MOST_ROWS) / 4 && this.count <= (3 * MOST_SLICES) / 4) return;
    // Many harts that have little in common: the oldest slices go.
    const byAge = all.sort((a, b) => b.to - a.to);
    const kept = new Set<Slice>();
    this.rows = 0;
    for (const slice of byAge.slice(0, MOST_SLICES / 2)) {
      if (this.rows + slice.rows > MOST_ROWS / 2) break;
      this.rows += slice.rows;
      kept.add(slice);
    }
    this.count = kept.size;
    for (const [name, slices] of this.slices) {
      const left = slices.filter((slice) => kept.has(slice));
      if (left.length === 0) this.slices.delete(name);
      else this.slices.set(name, left);
    }
  }
}

/** @param least milliseconds since the reading; less than none: always */
const isDue = ({ time, took }: Reading, now: number, least: number): boolean =>
  least < 0 || now - time >= Math.max(least, took / MOST_SHARE);

function sliceOf(profile: HartProfile, { from, to }: TimeRange): Slice {
  let rows = profile.counts.addresses.length;
  for (const { node } of walk(profile.root)) rows += node.children.length;
  return { profile, rows, from, to };
}

/** Neighbours together, the first with the second and so on. */
function inPairs(slices: readonly Slice[]): Slice[] {
  const pairs: Slice[] = [];
  for (let i = 0; i < slices.length; i += 2) {
    const pair = slices.slice(i, i + 2);
    const profile = addProfiles(pair.map((slice) => slice.profile));
    pairs.push(sliceOf(profile, { from: pair[0].from, to: pair[pair.length - 1].to }));
  }
  return pairs;
}
