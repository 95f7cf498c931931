import type { Hart } from '../multiprocess/hart';
import { flameTree } from '../profile/flame';
import type { CountsWithin, CountTimes } from '../profile/count-times';
import { faultsOf } from '../profile/hart-summary';
import {
  addCounts,
  retired,
  type FunctionNames,
  type HartProfile,
  type ProfileCode,
} from '../profile/model';
import { hartName } from '../profile/profiler';
import type { TimeRange } from '../profile/timed-samples';
import { functionCosts, lineCosts } from '../profile/top';
import type {
  CodeCounts,
  CountedPart,
  HartColumn,
  LineCounts,
  ProfileInfo,
  ProfileView,
} from './protocol-profile';
import { sourceOf } from './source-debugger';
import type { DebugTarget } from './target';
import { TimeSampler } from './time-sampler';

/** Most functions, and most lines, that one answer lists. */
const MOST_COSTS = 1000;
/** Most harts that have columns of their own. */
const MOST_COLUMNS = 16;
/** Nanoseconds between two looks at call stacks, at least. */
const SAMPLE_EVERY = 1e6;
/** Instructions in which about so much time passes; interpreted code takes some milliseconds. */
const SAMPLE_QUANTUM = 200_000;

/** What the harts of a target have run, for a client. */
export class ProfileService {
  /** The counts as they were read last: as long as no instruction retires they stay true. */
  private last:
    | {
        readonly target: DebugTarget;
        readonly instructions: number;
        readonly harts: readonly HartProfile[];
      }
    | undefined;

  private times: CountTimes | undefined;
  /** Counts of a part of the time, as they were asked for last. */
  private lastPart:
    (CountsWithin & { readonly range: TimeRange; readonly instructions: number }) | undefined;

  private isSampling = false;
  private sampler: TimeSampler | undefined;

  /** @param current the program that is open */
  constructor(private readonly current: () => DebugTarget | undefined) {}

  private opened(): DebugTarget {
    const target = this.current();
    if (!target) throw new Error('No program is open: open one first.');
    return target;
  }

  /** Another program has been opened. */
  attach(target: DebugTarget): void {
    this.times = target.keepCountTimes();
    this.lastPart = undefined;
    this.attachSampler(target);
  }

  private attachSampler(target: DebugTarget): void {
    this.sampler = this.isSampling
      ? new TimeSampler(target, 'nanoseconds', SAMPLE_EVERY)
      : undefined;
    this.sampler?.pause();
  }

  /** Samples of the open program, and of those after it, are taken from now on, or no more. */
  sampleTime(isOn: boolean): void {
    if (isOn === this.isSampling) return;
    this.isSampling = isOn;
    const target = this.current();
    if (isOn && target) this.attachSampler(target);
  }

  /** Instructions between two looks at the clock; undefined: nobody looks. */
  get quantum(): number | undefined {
    return this.isSampling ? SAMPLE_QUANTUM : undefined;
  }

  /** Harts have run for a while. */
  take(): void {
    if (this.isSampling) this.sampler?.take();
    if (this.times?.isDue !== true) return;
    this.current()?.halt();
    this.times.take();
  }

  pause(): void {
    this.times?.pause();
    this.sampler?.pause();
  }

  resume(): void {
    this.times?.resume();
    this.sampler?.resume();
  }

  /**
   * @param names of the harts that are added up [all]
   * @param view [counts of instructions]
   */
  info(
    willCount: boolean,
    names?: readonly string[],
    { by, range }: ProfileView = { by: 'instructions' },
  ): ProfileInfo {
    const target = this.opened();
    const isTime = by === 'time';
    const { harts: known, covers } = this.countsOf(target, isTime ? undefined : range);
    const all = (isTime ? this.sampler?.profiles(range) : known) ?? [];
    const chosen = names === undefined ? all : all.filter(({ name }) => names.includes(name));
    const code = functionNames(target);
    const functions = functionCosts({ harts: chosen }, code, isTime);
    const lines = lineCosts({ harts: chosen }, { lineAt: lineLookup(target) });
    return {
      isCounting: known !== undefined,
      willCount,
      isSampling: this.isSampling,
      samples: this.sampler?.count ?? 0,
      samplesInPart: (range ? this.sampler?.countIn(range) : this.sampler?.count) ?? 0,
      unit: isTime ? 'nanoseconds' : 'instructions',
      ...(covers && { covers }),
      harts: all.map((each) => ({
        hart: each.hart,
        name: each.name,
        instructions: retired(each),
        ...(!isTime && { faults: faultsOf(each) }),
      })),
      instructions: chosen.reduce((sum, each) => sum + retired(each), 0),
      flame: flameTree(chosen, code),
      functions: functions.slice(0, MOST_COSTS),
      functionCount: functions.length,
      lines: lines.slice(0, MOST_COSTS),
      lineCount: lines.length,
    };
  }

  /** Counts of the instructions from `start` to `end`: of a hart, of all, and of each. */
  counts(start: number, end: number, hart: Hart, part?: CountedPart): CodeCounts {
    const { harts: known, covers } = this.countsIn(this.opened(), part);
    const harts = (known ?? []).flatMap((each) => {
      const from = firstAtLeast(each.counts.addresses, start);
      const to = firstAtLeast(each.counts.addresses, end);
      if (from === to) return [];
      const { addresses, executions, taken } = each.counts;
      const counts = {
        addresses: addresses.subarray(from, to),
        executions: executions.subarray(from, to),
        taken: taken.subarray(from, to),
      };
      return [{ name: each.name, counts }];
    });
    const all = addCounts(harts.map(({ counts }) => counts));
    const columns = harts.map(({ name, counts }): HartColumn => {
      const at = new Map(
        Array.from(counts.addresses, (address, i) => [address, counts.executions[i]]),
      );
      return { name, counts: all.addresses.map((address) => at.get(address) ?? 0) };
    });
    return {
      isCounting: known !== undefined,
      ...(covers && { covers }),
      addresses: all.addresses,
      all: all.executions,
      own: ownColumn(columns, hart, all.addresses.length),
      taken: all.taken,
      harts: columns.slice(0, MOST_COLUMNS),
    };
  }

  /** Instructions on the lines of a file: of a hart, of all, and of each. */
  lineCounts(path: string, hart: Hart, part?: CountedPart): LineCounts {
    const target = this.opened();
    const { harts: known, covers } = this.countsIn(target, part);
    const lineAt = lineLookup(target);
    const lineOf = new Map<number, number | undefined>();
    const find = (address: number): number | undefined => {
      if (!lineOf.has(address)) {
        const place = lineAt(address);
        lineOf.set(address, place?.file === path ? place.line : undefined);
      }
      return lineOf.get(address);
    };
    const all = new Map<number, number>();
    const harts = (known ?? []).flatMap(({ name, counts }) => {
      const sums = new Map<number, number>();
      counts.addresses.forEach((address, i) => {
        const line = find(address);
        if (line === undefined) return;
        sums.set(line, (sums.get(line) ?? 0) + counts.executions[i]);
        all.set(line, (all.get(line) ?? 0) + counts.executions[i]);
      });
      return sums.size === 0 ? [] : [{ name, sums }];
    });
    const lines = Float64Array.from([...all.keys()].sort((a, b) => a - b));
    const columns = harts.map(({ name, sums }): HartColumn => ({
      name,
      counts: lines.map((line) => sums.get(line) ?? 0),
    }));
    return {
      isCounting: known !== undefined,
      ...(covers && { covers }),
      lines,
      all: lines.map((line) => all.get(line) ?? 0),
      own: ownColumn(columns, hart, lines.length),
      harts: columns.slice(0, MOST_COLUMNS),
    };
  }

  /** Those of a part of the time, of some of the harts, or all. */
  private countsIn(target: DebugTarget, part: CountedPart = {}): Partial<CountsWithin> {
    const { range, names } = part;
    const { harts, ...rest } = this.countsOf(target, range);
    if (!harts) return {};
    return { ...rest, harts: harts.filter(({ name }) => names?.includes(name) ?? true) };
  }

  /** Those of a part of the time, or all; no harts where nothing is counted. */
  private countsOf(target: DebugTarget, range: TimeRange | undefined): Partial<CountsWithin> {
    const { times, lastPart } = this;
    if (!range || !times) {
      const harts = this.hartsOf(target);
      return harts ? { harts } : {};
    }
    const isKnown =
      lastPart?.instructions === target.instructions &&
      lastPart.range.from === range.from &&
      lastPart.range.to === range.to;
    if (isKnown) return lastPart;
    target.halt();
    times.takeAll();
    this.lastPart = { ...times.within(range), range, instructions: target.instructions };
    return this.lastPart;
  }

  private hartsOf(target: DebugTarget): readonly HartProfile[] | undefined {
    const { instructions } = target;
    if (this.last?.target === target && this.last.instructions === instructions)
      return this.last.harts;
    const harts = target.profile?.harts;
    this.last = harts && { target, instructions, harts };
    return harts;
  }
}

/** The column of the focused hart, which may have none. */
function ownColumn(columns: readonly HartColumn[], hart: Hart, length: number): Float64Array {
  const name = hartName(hart);
  return columns.find((column) => column.name === name)?.counts ?? new Float64Array(length);
}

/** Index of the first element that is not below `least`; the length when all are. */
function firstAtLeast(ascending: Float64Array, least: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle] < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Source lines of instructions, with the paths that the debugging information has. */
function lineLookup(target: DebugTarget): ProfileCode['lineAt'] {
  const { lookup } = sourceOf(target);
  return (address) => {
    const place = lookup.lineAt(address);
    return place && { file: place.path, line: place.line };
  };
}

function functionNames(target: DebugTarget): FunctionNames {
  const { modules } = sourceOf(target);
  return {
    functionAt: (address) =>
      (modules.at(address)?.symbols ?? target.symbols).functionAt(address)?.symbol,
  };
}
