import type { Hart } from '../multiprocess/hart';
import { flameTree } from '../profile/flame';
import { addCounts, retired, type FunctionNames, type HartProfile } from '../profile/model';
import { hartName } from '../profile/profiler';
import { functionCosts } from '../profile/top';
import type { CodeCounts, ProfileInfo } from './protocol-profile';
import { sourceOf } from './source-debugger';
import type { DebugTarget } from './target';

/** Most functions that one answer lists. */
const MOST_FUNCTIONS = 200;

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

  /** @param opened the program that is open; throws when none is */
  constructor(private readonly opened: () => DebugTarget) {}

  /** @param names of the harts that are added up [all] */
  info(willCount: boolean, names?: readonly string[]): ProfileInfo {
    const target = this.opened();
    const known = this.hartsOf(target);
    const all = known ?? [];
    const chosen = names === undefined ? all : all.filter(({ name }) => names.includes(name));
    const code = functionNames(target);
    const functions = functionCosts({ harts: chosen }, code);
    return {
      isCounting: known !== undefined,
      willCount,
      harts: all.map((each) => ({ hart: each.hart, name: each.name, instructions: retired(each) })),
      instructions: chosen.reduce((sum, each) => sum + retired(each), 0),
      flame: flameTree(chosen, code),
      functions: functions.slice(0, MOST_FUNCTIONS),
      functionCount: functions.length,
    };
  }

  /** Counts of the instructions from `start` to `end`: of a hart, and of all. */
  counts(start: number, end: number, hart: Hart): CodeCounts {
    const known = this.hartsOf(this.opened());
    const name = hartName(hart);
    const inside = (harts: readonly HartProfile[]): ReturnType<typeof addCounts> =>
      addCounts(
        harts.map(({ counts }) => {
          const from = firstAtLeast(counts.addresses, start);
          const to = firstAtLeast(counts.addresses, end);
          return {
            addresses: counts.addresses.subarray(from, to),
            executions: counts.executions.subarray(from, to),
            taken: counts.taken.subarray(from, to),
          };
        }),
      );
    const all = inside(known ?? []);
    const own = inside(known?.filter((each) => each.name === name) ?? []);
    const ownAt = new Map(
      Array.from(own.addresses, (address, i) => [address, own.executions[i]] as const),
    );
    return {
      isCounting: known !== undefined,
      addresses: all.addresses,
      all: all.executions,
      own: all.addresses.map((address) => ownAt.get(address) ?? 0),
      taken: all.taken,
    };
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

function functionNames(target: DebugTarget): FunctionNames {
  const { modules } = sourceOf(target);
  return {
    functionAt: (address) =>
      (modules.at(address)?.symbols ?? target.symbols).functionAt(address)?.symbol,
  };
}
