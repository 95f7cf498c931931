/** The part of the protocol that is about harts in each other's way: races, false sharing, conflicts. */
import type { HartId, Location } from './protocol';

/** What one hart did to the bytes in question. */
export interface ConflictSideInfo {
  readonly hart: HartId;
  /** Of a vCPU: the number of its task, and its own in it. */
  readonly task?: number;
  readonly vcpu?: number;
  /** `load`, `store`, `atomic load` or `atomic store`. */
  readonly access: string;
  /** Absent where it is not known. */
  readonly location?: Location;
  /** Instructions that the hart had retired before. */
  readonly instructions?: number;
  /** What it loaded or stored, `0x…`. */
  readonly value?: string;
  /** Of a store: what was there before. */
  readonly old?: string;
}

/** Bytes that two harts used in each other's way. */
export interface ConflictInfo {
  /** Counts them from 1, each kind for itself. */
  readonly number: number;
  /**
   * `race`: accesses that nothing orders. `conflict`: a workspace task's vCPUs, or one and its owner, wrote
   * different values; the first one's stays.
   */
  readonly kind: 'race' | 'conflict';
  /** Where the bytes lie; `symbol` is the object that holds them. */
  readonly location: Location;
  readonly size: number;
  readonly first: ConflictSideInfo;
  readonly second: ConflictSideInfo;
  /** How often the two places in the code met. */
  readonly count: number;
}

/** One hart's part in a line or page that another one used at the same time. */
export interface SharingSideInfo {
  readonly hart: HartId;
  readonly task?: number;
  readonly vcpu?: number;
  /** Of a page: how many of its lines it loaded from and stored to. */
  readonly loads: number;
  readonly stores: number;
  /** Of its last store, or load when it made none. */
  readonly location: Location;
  /** First byte that it used, and the byte after the last; of a page, in whole lines. */
  readonly from: number;
  readonly to: number;
}

/** Harts that used different bytes of a cache line, or different lines of a page. */
export interface FalseSharingInfo {
  readonly level: 'line' | 'page';
  readonly location: Location;
  readonly size: number;
  /** Loads and stores of both. */
  readonly count: number;
  readonly first: SharingSideInfo;
  readonly second: SharingSideInfo;
}

export interface ConflictsInfo {
  /** Whether the race check is on; conflicts of workspaces are told without it too. */
  readonly isChecked: boolean;
  /** Whether it will be on after the next restart. */
  readonly willCheck: boolean;
  readonly conflicts: readonly ConflictInfo[];
  readonly falseSharing: readonly FalseSharingInfo[];
  /** What else there was and is not listed; each a short sentence. */
  readonly missing: readonly string[];
}

export interface ConflictRequests {
  /** What the race check and the joins of workspaces have found; also while the machine runs. */
  conflicts(): Promise<ConflictsInfo>;
  /** Switches the race check on or off for the next restart. */
  checkRaces(isOn: boolean): Promise<void>;
}
