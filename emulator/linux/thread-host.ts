import type { HartState } from '../engine/hart-state';

/** The stack that a thread is on: guest addresses [bottom, top), multiples of 4096. */
export interface ThreadStack {
  readonly bottom: number;
  readonly top: number;
}

/** What threads need of the machine, which has the harts. */
export interface ThreadHost {
  /**
   * A hart in the caller's address space with the caller's registers, which gets its turns from now on.
   * @param stack tells where its stack lies when somebody asks; undefined = as the caller's
   * @returns undefined when no hart context is left
   */
  create(caller: HartState, stack: () => ThreadStack | undefined): HartState | undefined;
  /** Lets a parked hart try its call again. */
  wake(hart: HartState): void;
  /** Ends the hart's turn. */
  yield(hart: HartState): void;
}

/** A kernel without a machine: one thread. */
export const SINGLE_THREAD: ThreadHost = {
  create: () => undefined,
  wake: () => undefined,
  yield: () => undefined,
};
