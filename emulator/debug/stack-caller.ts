import { CALLEE_SAVED, FrameRegisters, SP } from './stack-registers';

/** How a frame's caller was found. */
export type UnwindMethod = 'cfi' | 'signal' | 'prologue' | 'frame-pointer' | 'link-register';

/** What unwinding one frame gives. */
export interface Caller {
  /** Where the caller goes on; undefined when there is none. */
  readonly pc: number | undefined;
  readonly registers: FrameRegisters;
  /** The canonical frame address of the frame that was unwound. */
  readonly cfa: number;
  readonly method: UnwindMethod;
  /** The caller was interrupted: its pc is no return address. */
  readonly interrupted?: boolean;
}

/** What a caller has in its registers when nothing says otherwise: those that calls preserve, and sp. */
export function callerRegisters(callee: FrameRegisters, cfa: number): FrameRegisters {
  const registers = new FrameRegisters();
  for (const register of CALLEE_SAVED) {
    const value = callee.get(register);
    if (value !== undefined) registers.set(register, value);
  }
  registers.set(SP, BigInt(cfa));
  return registers;
}
