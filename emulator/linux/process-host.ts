import type { HartState } from '../engine/hart-state';
import type { AddressSpace } from '../memory/address-space';
import type { LinuxKernel } from './kernel';

/** The stack that a thread is on: guest addresses [bottom, top), multiples of 4096. */
export interface ThreadStack {
  readonly bottom: number;
  readonly top: number;
}

/** What threads and processes need of the machine, which has the harts. */
export interface ProcessHost {
  /**
   * A hart in the caller's address space with the caller's registers, which gets its turns from now on.
   * @param tid id of the thread that it runs
   * @param stack tells where its stack lies when somebody asks; undefined = as the caller's
   * @returns undefined when no hart context is left
   */
  create(
    caller: HartState,
    tid: number,
    stack: () => ThreadStack | undefined,
  ): HartState | undefined;
  /**
   * The same for the first thread of a child process, in the child's address space.
   * @returns undefined when no hart context is left
   */
  fork(caller: HartState, child: LinuxKernel): HartState | undefined;
  /**
   * A process has a new program in another address space: the hart of its first thread is its only one from now on,
   * and runs there.
   * @returns that hart
   */
  replace(process: LinuxKernel, space: AddressSpace): HartState;
  /** Keeps the harts of a process from running, or lets them run again. */
  hold(process: LinuxKernel, isHeld: boolean): void;
  /** A process has mapped pages that code may run in. */
  codeMapped(process: LinuxKernel): void;
  /** Lets a parked hart try its call again. */
  wake(hart: HartState): void;
  /** Ends the hart's turn. */
  yield(hart: HartState): void;
}

/** A kernel without a machine: one process with one thread. */
export const SINGLE_PROCESS: ProcessHost = {
  create: () => undefined,
  fork: () => undefined,
  replace: () => {
    throw new Error('there is no machine to run another program');
  },
  hold: () => undefined,
  codeMapped: () => undefined,
  wake: () => undefined,
  yield: () => undefined,
};
