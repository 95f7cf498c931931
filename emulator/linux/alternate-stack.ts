import { ERRNO } from './abi/errno';

/** Flags of `stack_t` (include/uapi/linux/signal.h). */
const SS_ONSTACK = 1;
const SS_DISABLE = 2;
export const SS_AUTODISARM = 2 ** 31;

/** Smallest alternate stack (include/uapi/asm-generic/signal.h). */
const MINSIGSTKSZ = 2048;

/** `stack_t`. */
export interface AlternateStack {
  readonly address: number;
  readonly flags: number;
  readonly size: number;
}

export const NO_STACK: AlternateStack = { address: 0, flags: SS_DISABLE, size: 0 };

/** Whether a stack pointer lies on the stack. One that disarms itself is never in use. */
export function isOnStack({ address, flags, size }: AlternateStack, sp: bigint): boolean {
  if ((flags & SS_AUTODISARM) !== 0) return false;
  return sp > BigInt(address) && sp - BigInt(address) <= BigInt(size);
}

/** The flags that sigaltstack tells. */
export function stackFlags(stack: AlternateStack, sp: bigint): number {
  const mode = isOnStack(stack, sp) ? SS_ONSTACK : 0;
  return ((stack.size === 0 ? SS_DISABLE : mode) | (stack.flags & SS_AUTODISARM)) >>> 0;
}

/**
 * The stack that a thread has after asking for another (do_sigaltstack), or an errno.
 * @param sp the thread's stack pointer: a stack in use cannot be changed
 */
export function changeStack(
  before: AlternateStack,
  wanted: AlternateStack,
  sp: bigint,
): AlternateStack | number {
  if (isOnStack(before, sp)) return ERRNO.EPERM;
  const mode = wanted.flags & ~SS_AUTODISARM;
  if (mode !== 0 && mode !== SS_DISABLE && mode !== SS_ONSTACK) return ERRNO.EINVAL;
  if (mode === SS_DISABLE) return { ...NO_STACK, flags: wanted.flags };
  return wanted.size < MINSIGSTKSZ ? ERRNO.ENOMEM : wanted;
}
