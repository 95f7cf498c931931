import type { HartState } from '../engine/hart-state';

/** DWARF numbers of registers (RISC-V ELF psABI, "DWARF Register Numbers"): x0 to x31, f0 to f31. */
export const RA = 1;
export const SP = 2;
export const FP = 8;
const FLOATS = 32;

/** What the calling convention saves for the caller: gp, tp, s0 to s11, fs0 to fs11. */
export const CALLEE_SAVED: readonly number[] = [
  3, 4, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 40, 41, 50, 51, 52, 53, 54, 55, 56, 57, 58,
  59,
];

/** Registers of a frame by their DWARF numbers, unsigned; those that are not known are absent. */
export class FrameRegisters {
  private readonly values = new Map<number, bigint>();

  get(register: number): bigint | undefined {
    return register === 0 ? 0n : this.values.get(register);
  }

  set(register: number, value: bigint): void {
    this.values.set(register, BigInt.asUintN(64, value));
  }

  forget(register: number): void {
    this.values.delete(register);
  }

  copy(): FrameRegisters {
    const copy = new FrameRegisters();
    for (const [register, value] of this.values) copy.values.set(register, value);
    return copy;
  }

  /** A register as an address; undefined when it is not known or beyond 2^53. */
  address(register: number): number | undefined {
    const value = this.get(register);
    return value !== undefined && value <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(value)
      : undefined;
  }
}

/** The registers of a hart, as its innermost frame has them. */
export function hartRegisters(state: HartState): FrameRegisters {
  const registers = new FrameRegisters();
  for (let n = 1; n < 32; n++) registers.set(n, state.x(n));
  for (let n = 0; n < 32; n++) registers.set(FLOATS + n, state.f(n));
  return registers;
}
