/** The part of the protocol that is about launches: tasks of vCPUs from their start to the end of their join. */
import type { CriticalStep, LaunchUnit, Measure } from '../profile/launch';
import type { SharedPage } from '../profile/launch-view';
import type { SharingCost } from './launch-sharing';
import type { FalseSharingInfo } from './protocol-conflicts';

/** One launch in the list. Lengths are in the unit that was asked for. */
export interface LaunchRow {
  readonly task: number;
  /** The ecall that started it, and the function that it is in. */
  readonly pc: number;
  readonly at: string;
  readonly vcpus: number;
  /** Retired by all vCPUs. */
  readonly instructions: number;
  readonly start: number;
  readonly duration: number;
  readonly speedUp: number;
  readonly loadBalance: number;
  readonly communicationEfficiency: number;
  readonly parallelEfficiency: number;
  /** Host time of its start and end, in milliseconds since 1970. */
  readonly began: number;
  readonly ended: number;
}

/** A launch of a run on one hart: the same work as that of the launch with the same place in the list. */
export interface OneHartLaunch {
  readonly instructions: number;
  /** Its duration in either unit. */
  readonly durations: Readonly<Record<LaunchUnit, number>>;
}

/** Most launches in one list. */
export const MAX_LAUNCHES = 1000;

export interface LaunchList {
  /** The newest that there is room for, in the order of their ends. */
  readonly launches: readonly LaunchRow[];
  /** Launches before those. */
  readonly earlier: number;
  /** Amdahl's serial share of the run so far. */
  readonly serial: Measure;
  /** Events that were lost, spans for which there was no room: lengths are not complete when it is not 0. */
  readonly missing: number;
  /** Launches that are compared with those of a run on one hart. */
  readonly compared: number;
}

/**
 * What one hart did, as columns: row i is one span.
 *
 * | array   | an element                                       |
 * |---------|--------------------------------------------------|
 * | `kind`  | what it did: position in `LaunchPage.kinds`      |
 * | `start` | where it began, from the launch's start on       |
 * | `end`   | where it ended; spans are in order and apart     |
 */
export interface LaneColumns {
  readonly hart: number;
  /** The vCPU's number in its task, from 1; 0 for the caller. */
  readonly vcpu: number;
  readonly instructions: number;
  readonly kind: Uint8Array;
  readonly start: Float64Array;
  readonly end: Float64Array;
  /** Where pages were borrowed: the lender is the caller, unless the vCPU's task has another owner. */
  readonly loans: Float64Array;
}

/** A page that several vCPUs wrote, with what lies there. */
export interface SharedPageInfo extends SharedPage {
  /** Names of variables in it. */
  readonly symbols: readonly string[];
  /** What a race check knows: harts use different bytes (`false sharing`) or the same (`race`). */
  readonly verdict?: 'false sharing' | 'race';
}

/** A line or page that two harts of a launch shared falsely, and what the faults of both on its page cost. */
export type LaunchSharingInfo = FalseSharingInfo & SharingCost;

/** One launch with all that is known of it. */
export interface LaunchPage extends LaunchRow {
  readonly unit: LaunchUnit;
  readonly kinds: readonly string[];
  /** The caller's first, then those of the vCPUs. */
  readonly lanes: readonly LaneColumns[];
  readonly measures: readonly Measure[];
  /** Its places are from the launch's start on. */
  readonly criticalPath: readonly CriticalStep[];
  readonly pages: readonly SharedPageInfo[];
  /** By cost; undefined when the race check is off, which finds it. */
  readonly sharing?: readonly LaunchSharingInfo[];
}

export interface LaunchRequests {
  /** All launches that have ended; also while the machine runs. */
  launches(unit: LaunchUnit): Promise<LaunchList>;
  /** One of them; null when it has not ended, or is not kept any more. */
  launch(task: number, unit: LaunchUnit): Promise<LaunchPage | null>;
  /**
   * From now on launches are compared with these, in the order of the lists; with none if there are none.
   * @param earlier launches of the run on one hart before these
   */
  compareLaunches(oneHart: readonly OneHartLaunch[], earlier: number): Promise<void>;
}
