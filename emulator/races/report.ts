import type { Identity } from './strands';

/** What a hart did to the bytes of a race. */
export interface RaceSide extends Identity {
  readonly access: 'load' | 'store' | 'atomic load' | 'atomic store';
  readonly pc: number;
  /** Instructions that the hart had retired before. */
  readonly instructions: number;
  /** What it loaded or stored there, as a number of `size` bytes: `0x…`; absent when it is not known. */
  readonly value?: string;
  /** Of a store: what was there before. */
  readonly old?: string;
}

/** Two accesses to the same bytes that nothing orders, at least one a store, at least one plain. */
export interface Race {
  /** Counts races from 1. */
  readonly number: number;
  /** The bytes of the first such pair. */
  readonly address: number;
  readonly size: number;
  /** First byte and byte after the last of all such pairs from the same two places in the code. */
  readonly from: number;
  readonly to: number;
  readonly first: RaceSide;
  /** The later one in the run. */
  readonly second: RaceSide;
  /** How often the two places met. */
  readonly count: number;
}

/** What one hart did to a line or page that others used at the same time. */
export interface SharingSide extends Identity {
  readonly loads: number;
  readonly stores: number;
  /** Of its last load and store; 0 = there was none. */
  readonly loadPc: number;
  readonly storePc: number;
  /** First byte that it used, and the byte after the last; of a page, in whole lines. */
  readonly from: number;
  readonly to: number;
}

/** Two harts that used different bytes of a line, or different lines of a page, while nothing ordered them. */
export interface FalseSharing {
  readonly level: 'line' | 'page';
  /** First byte and size of the line or page. */
  readonly address: number;
  readonly size: number;
  /** Loads and stores of both; of a page each line once for each hart and direction. */
  readonly count: number;
  readonly first: SharingSide;
  readonly second: SharingSide;
}

/** All that a race check has found so far. */
export interface RaceReport {
  readonly races: readonly Race[];
  readonly falseSharing: readonly FalseSharing[];
  /** What there was no room for: the report is not complete when one is not 0. */
  readonly notKept: {
    /** Pairs of places in the code that race, beyond those in `races`. */
    readonly races: number;
    readonly falseSharing: number;
    /** Pages and loads that were forgotten: races with them are not found. */
    readonly pages: number;
    readonly loads: number;
    /** Words used for synchronisation: what they order may be reported. */
    readonly words: number;
  };
}
