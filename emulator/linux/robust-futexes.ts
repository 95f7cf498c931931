import { SyscallError } from './call';
import type { LinuxKernel } from './kernel';
import type { Thread } from './thread';

/**
 * `struct robust_list_head` (include/uapi/linux/futex.h): next entry u64, offset of an entry's futex i64, entry
 * that is being taken or given back u64. Bit 0 of an entry's address tells of priority inheritance.
 */
export const ROBUST_HEAD_BYTES = 24;
/** So many entries are looked at: the guest's list may be a circle. */
const ENTRY_LIMIT = 2048;

const FUTEX_WAITERS = 0x8000_0000;
const FUTEX_OWNER_DIED = 0x4000_0000;
const FUTEX_TID_MASK = 0x3fff_ffff;
const PI_BIT = 1n;

/**
 * A thread leaves its memory: it ends, or has a new program (mm_release). Whoever waits for its robust futexes or for
 * its end (set_tid_address) is woken.
 */
export function leaveMemory(kernel: LinuxKernel, thread: Thread): void {
  releaseRobustFutexes(kernel, thread);
  const { clearChildTid } = thread;
  thread.clearChildTid = 0;
  if (clearChildTid === 0) return;
  try {
    kernel.memory.setU32(clearChildTid, 0);
    kernel.futexes.wake(kernel.futexKey(clearChildTid), 1);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
  }
}

/** A thread ends: the futexes that it still owns are marked, and one waiter of each is woken (exit_robust_list). */
function releaseRobustFutexes(kernel: LinuxKernel, thread: Thread): void {
  if (thread.robustList === 0) return;
  try {
    walk(kernel, thread);
  } catch (error) {
    // Linux leaves the rest alone when it meets memory that is not there.
    if (!(error instanceof SyscallError)) throw error;
  }
}

function walk(kernel: LinuxKernel, thread: Thread): void {
  const { memory } = kernel;
  const head = BigInt(thread.robustList);
  const offset = memory.i64(thread.robustList + 8);
  const pending = memory.u64(thread.robustList + 16);
  const futexOf = (entry: bigint): number => Number((entry & ~PI_BIT) + offset);
  let entry = memory.u64(thread.robustList);
  for (let left = ENTRY_LIMIT; (entry & ~PI_BIT) !== head && left > 0; left--) {
    const next = memory.u64(Number(entry & ~PI_BIT));
    if ((entry & ~PI_BIT) !== (pending & ~PI_BIT)) {
      if (!release(kernel, thread, { address: futexOf(entry), isPi: (entry & PI_BIT) !== 0n }))
        return;
    }
    entry = next;
  }
  if ((pending & ~PI_BIT) === 0n) return;
  const isPi = (pending & PI_BIT) !== 0n;
  release(kernel, thread, { address: futexOf(pending), isPi, isPending: true });
}

interface Owned {
  readonly address: number;
  readonly isPi: boolean;
  /** The thread ended between taking or giving back the futex and saying so. */
  readonly isPending?: boolean;
}

/** One futex of a thread that ends (handle_futex_death); false when the list cannot be right. */
function release(
  kernel: LinuxKernel,
  { tid }: Thread,
  { address, isPi, isPending = false }: Owned,
): boolean {
  const { memory, futexes } = kernel;
  if (address % 4 !== 0) return false;
  const key = kernel.futexKey(address);
  const value = memory.u32(address);
  // It was given back already, but perhaps nobody has been woken yet.
  if (isPending && !isPi && value === 0) futexes.wake(key, 1);
  if ((value & FUTEX_TID_MASK) !== tid) return true;
  memory.setU32(address, ((value & FUTEX_WAITERS) | FUTEX_OWNER_DIED) >>> 0);
  if (!isPi && (value & FUTEX_WAITERS) !== 0) futexes.wake(key, 1);
  return true;
}
