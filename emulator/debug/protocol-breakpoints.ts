import type { HartId, Location } from './protocol-harts';

/**
 * - `code`: before an instruction runs
 * - `data`: behind an access to memory
 * - `syscall`: before a system call
 * - `event`: when something happens to a hart or its pages
 */
export type BreakpointKind = 'code' | 'data' | 'syscall' | 'event';

/** `change`: a write that leaves another value. */
export type DataAccess = 'read' | 'write' | 'access' | 'change';

export interface BreakpointSpec {
  /** [`code`] */
  readonly kind?: BreakpointKind;
  /**
   * - `code`: an expression (`main`, `main+4`, `0x10074`) or a source line (`dot.c:12`)
   * - `data`: an expression for the first byte
   * - `syscall`: a name or number, `*` for all
   * - `event`: the event's kind, as the Events pane names it
   */
  readonly at: string;
  readonly condition?: string;
  /** Counts hits whose condition is met: 1 is the first. */
  readonly hitCount?: number;
  /** Which hits stop: from `hitCount` on, exactly that one, its multiples [`from`]. */
  readonly hitRule?: 'from' | 'exactly' | 'multiple';
  /** Printed instead of stopping; `{expression}` in it is evaluated. */
  readonly log?: string;
  /** Only these harts [all]. */
  readonly harts?: readonly HartId[];
  readonly enabled: boolean;
  /** Goes away when it has stopped once. */
  readonly temporary?: boolean;
  /** `code`: harts stand here until all of their task (or all threads) have come. */
  readonly barrier?: boolean;
  /** `data` [`write`] */
  readonly access?: DataAccess;
  /** `data`: bytes [the size of the variable, or 8] */
  readonly length?: number;
}

export interface Breakpoint extends BreakpointSpec {
  readonly id: number;
  /** Where it lies: of `data` the first byte. */
  readonly location?: Location;
  /** Of a line that became code in several places: all of them. */
  readonly locations?: readonly Location[];
  /** The source line, which is the next with code where the one that was asked for has none. */
  readonly line?: number;
  readonly hits: number;
  /** Of `data`: how many bytes are watched. */
  readonly watched?: number;
  /** Why it cannot be set, when it cannot. */
  readonly problem?: string;
}
