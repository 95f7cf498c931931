/** The part of the protocol that is about what harts have run, counted exactly. */
import type { FlameTree } from '../profile/flame';
import type { TimeRange } from '../profile/timed-samples';
import type { FunctionCost, LineCost } from '../profile/top';
import type { HartId } from './protocol';

/** Which of the two profiles is asked for. */
export interface ProfileView {
  /** `instructions` are counted exactly, `time` is sampled. */
  readonly by: 'instructions' | 'time';
  /** Only this part of the host time [everything]. */
  readonly range?: TimeRange;
}

/** A hart that was counted or sampled, ended ones included. */
export interface CountedHart {
  readonly hart: HartId;
  /** `main`, `task 1 vCPU 2`; numbers of harts are given again, names are not. */
  readonly name: string;
  /** Instructions that it has retired; of a profile by time the nanoseconds in which it was seen running. */
  readonly instructions: number;
  /** Page faults that were served for it; only of counted harts. */
  readonly faults?: number;
}

export interface ProfileInfo {
  /** Whether this run is counted; without it there are no harts and no functions. */
  readonly isCounting: boolean;
  /** Whether the next one will be. */
  readonly willCount: boolean;
  /** Whether call stacks are looked at while harts run, and how many were. */
  readonly isSampling: boolean;
  readonly samples: number;
  /** Those in the part that was asked for; all when none was. */
  readonly samplesInPart: number;
  /** What the numbers of this answer are. */
  readonly unit: 'instructions' | 'nanoseconds';
  /** What the counts of a part of the time really cover: they are read every few milliseconds. */
  readonly covers?: TimeRange;
  /** All that ran, the main VM's first. */
  readonly harts: readonly CountedHart[];
  /** Retired by the harts that were asked for, or their nanoseconds. */
  readonly instructions: number;
  /** Their calls. */
  readonly flame: FlameTree;
  /** Their most expensive functions, and how many there are in all. */
  readonly functions: readonly FunctionCost[];
  readonly functionCount: number;
  /** Their most expensive source lines, and how many there are in all. */
  readonly lines: readonly LineCost[];
  readonly lineCount: number;
}

/** What of the counts beside code is wanted. */
export interface CountedPart {
  /** Only this part of the host time [everything]. */
  readonly range?: TimeRange;
  /** Only harts of these names [all]. */
  readonly names?: readonly string[];
}

/**
 * How often instructions retired, in the order of their addresses; only those that ran.
 *
 * | array       | an element                                                  |
 * |-------------|-------------------------------------------------------------|
 * | `addresses` | address of an instruction                                   |
 * | `all`       | executions by all harts                                     |
 * | `own`       | executions by the hart that was asked for                   |
 * | `taken`     | of a conditional branch: how often all took it; else 0      |
 */
export interface CodeCounts {
  /** Whether this run is counted; the arrays are empty without it. */
  readonly isCounting: boolean;
  /** What the counts of a part of the time really cover: they are read every few milliseconds. */
  readonly covers?: TimeRange;
  readonly addresses: Float64Array;
  readonly all: Float64Array;
  readonly own: Float64Array;
  readonly taken: Float64Array;
  /** Executions by each hart that has run some of them, the ended ones too: at most so many as are shown. */
  readonly harts: readonly HartColumn[];
}

/** What one hart has run, beside what others have. */
export interface HartColumn {
  readonly name: string;
  /** For each address or line of the answer. */
  readonly counts: Float64Array;
}

/** Instructions that retired on the lines of a source file, in the order of the lines; only those that ran. */
export interface LineCounts {
  /** Whether this run is counted; the arrays are empty without it. */
  readonly isCounting: boolean;
  /** What the counts of a part of the time really cover: they are read every few milliseconds. */
  readonly covers?: TimeRange;
  /** From 1. */
  readonly lines: Float64Array;
  /** By all harts, and by the one that was asked for. */
  readonly all: Float64Array;
  readonly own: Float64Array;
  readonly harts: readonly HartColumn[];
}

export interface ProfileRequests {
  /**
   * What was counted so far; also while the machine runs.
   * @param names of the harts that are added up [all]
   * @param view [counts of instructions]
   */
  profile(names?: readonly string[], view?: ProfileView): Promise<ProfileInfo>;
  /**
   * Counts of the instructions from `start` to `end` (exclusive).
   * @param part only this part of them [everything]
   */
  counts(start: number, end: number, hart: HartId, part?: CountedPart): Promise<CodeCounts>;
  /** Instructions on the lines of a source file, whose path is as the program names it. */
  lineCounts(path: string, hart: HartId, part?: CountedPart): Promise<LineCounts>;
  /** Switches counting on or off for the next restart. */
  countInstructions(isOn: boolean): Promise<void>;
  /** Looks at call stacks from now on, after restarts too, or no more; samples that there were go when it is switched on. */
  sampleTime(isOn: boolean): Promise<void>;
}
