import type { HartState } from '../engine/hart-state';
import { HART } from '../memory/layout';
import { isOnStack, NO_STACK, SS_AUTODISARM, type AlternateStack } from './alternate-stack';
import type { GuestMemory } from './guest-memory';
import { SIGINFO_BYTES, type SignalInfo } from './signal-info';
import { SA, type SignalAction } from './signal-state';
import type { Thread } from './thread';

/**
 * `struct rt_sigframe` (arch/riscv/kernel/signal.c, arch/riscv/include/uapi/asm/ucontext.h). The stack
 * pointer of a handler points at it.
 *
 * | offset | bytes | what |
 * |--------|-------|------|
 * | 0      | 128   | siginfo_t |
 * | 128    | 8, 8  | uc_flags, uc_link: 0 |
 * | 144    | 24    | uc_stack: address u64, flags i32, padding, size u64 |
 * | 168    | 8     | uc_sigmask, with room for 1024 signals behind it |
 * | 304    | 256   | sc_regs: pc, x1 … x31 |
 * | 560    | 256   | f0 … f31 (of `union __riscv_fp_state`, 528 bytes) |
 * | 816    | 4     | fcsr |
 * | 1076   | 4     | reserved: 0 |
 * | 1080   | 4, 4  | magic and size of the first extension: 0, 0, as there are none |
 */
const FRAME = {
  bytes: 1088,
  info: 0,
  context: 128,
  stack: 144,
  mask: 168,
  registers: 304,
  floats: 560,
  fcsr: 816,
  reserved: 1076,
  extension: 1080,
} as const;

const RA = 1;
const SP = 2;
const A0 = 10;
const REGISTER_BYTES = 32 * 8;

/**
 * Where the frame goes: on the alternate stack when the action wants that and it is not in use, else below
 * the stack pointer. Undefined when the alternate stack would overflow.
 */
function framePlace({ alternateStack }: Thread, sp: bigint, flags: bigint): number | undefined {
  const { address, size } = alternateStack;
  const below = sp - BigInt(FRAME.bytes);
  if (isOnStack(alternateStack, sp) && !isOnStack(alternateStack, below)) return undefined;
  const switches = (flags & SA.ONSTACK) !== 0n && size > 0 && !isOnStack(alternateStack, sp);
  const top = switches ? BigInt(address) + BigInt(size) : sp;
  return Number(BigInt.asUintN(64, (top - BigInt(FRAME.bytes)) & ~15n));
}

/**
 * Sets a thread up to run a signal's handler, and saves what it was doing.
 * @param mask what is blocked again after the handler
 * @param trampoline address of code that makes the call rt_sigreturn
 * @throws SyscallError when the frame cannot be written; nothing has changed then
 * @returns false when the alternate stack is full
 */
export function pushFrame(
  memory: GuestMemory,
  thread: Thread,
  { info, action }: { readonly info: SignalInfo; readonly action: SignalAction },
  { mask, trampoline }: { readonly mask: bigint; readonly trampoline: number },
): boolean {
  const { hart } = thread;
  const place = framePlace(thread, hart.x(SP), action.flags);
  if (place === undefined) return false;
  const bytes = new Uint8Array(FRAME.bytes);
  const view = new DataView(bytes.buffer);
  bytes.set(info.bytes.subarray(0, SIGINFO_BYTES), FRAME.info);
  const stack = thread.alternateStack;
  view.setBigUint64(FRAME.stack, BigInt(stack.address), true);
  view.setUint32(FRAME.stack + 8, stack.flags >>> 0, true);
  view.setBigUint64(FRAME.stack + 16, BigInt(stack.size), true);
  view.setBigUint64(FRAME.mask, mask, true);
  bytes.set(hart.bytes(HART.x, REGISTER_BYTES), FRAME.registers);
  bytes.set(hart.bytes(HART.f, REGISTER_BYTES), FRAME.floats);
  // x0 has no place: pc stands there.
  bytes.set(hart.bytes(HART.pc, 8), FRAME.registers);
  view.setUint32(FRAME.fcsr, hart.fcsr, true);
  memory.write(place, bytes);
  if ((stack.flags & SS_AUTODISARM) !== 0) thread.alternateStack = NO_STACK;
  hart.setX(RA, BigInt(trampoline));
  hart.setX(SP, BigInt(place));
  hart.setX(A0, BigInt(info.signal));
  hart.setX(A0 + 1, BigInt(place + FRAME.info));
  hart.setX(A0 + 2, BigInt(place + FRAME.context));
  hart.pc = action.handler;
  hart.clearReservation();
  return true;
}

/**
 * The registers that the frame of a handler saves, by their DWARF numbers (f0 is 32), for debuggers.
 * @param place address of the frame: the stack pointer at the end of the handler
 * @returns undefined when the frame cannot be read
 */
export function signalFrameRegisters(
  place: number,
  memory: { number(address: number, size: number): bigint | undefined },
): { readonly pc: number; readonly registers: ReadonlyMap<number, bigint> } | undefined {
  const registers = new Map<number, bigint>();
  for (let n = 0; n < 64; n++) {
    const at = n < 32 ? FRAME.registers + 8 * n : FRAME.floats + 8 * (n - 32);
    const value = memory.number(place + at, 8);
    if (value === undefined) return undefined;
    registers.set(n, value);
  }
  return { pc: Number(registers.get(0)), registers };
}

/** What a frame holds beside the registers. */
interface SavedContext {
  readonly mask: bigint;
  readonly stack: AlternateStack;
}

/**
 * Puts a hart's registers back as the frame at its stack pointer has them.
 * @throws SyscallError when the frame cannot be read; nothing has changed then
 * @returns undefined when it is no frame
 */
export function popFrame(memory: GuestMemory, hart: HartState): SavedContext | undefined {
  const frame = memory.read(hart.xNumber(SP), FRAME.bytes);
  const view = new DataView(frame.buffer);
  for (const at of [FRAME.reserved, FRAME.extension, FRAME.extension + 4]) {
    if (view.getUint32(at, true) !== 0) return undefined;
  }
  hart.bytes(HART.pc, 8).set(frame.subarray(FRAME.registers, FRAME.registers + 8));
  const integers = frame.subarray(FRAME.registers + 8, FRAME.registers + REGISTER_BYTES);
  hart.bytes(HART.x + 8, integers.length).set(integers);
  const floats = frame.subarray(FRAME.floats, FRAME.floats + REGISTER_BYTES);
  hart.bytes(HART.f, floats.length).set(floats);
  hart.fcsr = view.getUint32(FRAME.fcsr, true);
  hart.clearReservation();
  return {
    mask: view.getBigUint64(FRAME.mask, true),
    stack: {
      address: Number(view.getBigUint64(FRAME.stack, true)),
      flags: view.getUint32(FRAME.stack + 8, true),
      size: Number(view.getBigUint64(FRAME.stack + 16, true)),
    },
  };
}
