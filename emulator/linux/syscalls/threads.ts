import { WRITE, type AddressSpace } from '../../memory/address-space';
import { ADDRESS_LIMIT, PAGE_SIZE } from '../../memory/layout';
import { pageRuns } from '../../memory/page-runs';
import { ERRNO } from '../abi/errno';
import { SyscallError, type Call, type SyscallHandlers, type SyscallResult } from '../call';
import type { HartState } from '../../engine/hart-state';
import type { LinuxKernel } from '../kernel';
import { MAX_SIGNAL } from '../abi/signals';
import { leaveMemory, ROBUST_HEAD_BYTES } from '../robust-futexes';
import type { Thread } from '../thread';
import type { ThreadStack } from '../process-host';
import { futex } from './futex';

/** Flags of clone(2) (include/uapi/linux/sched.h). */
const CLONE = {
  VM: 0x100n,
  FS: 0x200n,
  FILES: 0x400n,
  SIGHAND: 0x800n,
  PIDFD: 0x1000n,
  PTRACE: 0x2000n,
  VFORK: 0x4000n,
  PARENT: 0x8000n,
  THREAD: 0x1_0000n,
  SYSVSEM: 0x4_0000n,
  SETTLS: 0x8_0000n,
  PARENT_SETTID: 0x10_0000n,
  CHILD_CLEARTID: 0x20_0000n,
  DETACHED: 0x40_0000n,
  UNTRACED: 0x80_0000n,
  CHILD_SETTID: 0x100_0000n,
  IO: 0x8000_0000n,
  CLEAR_SIGHAND: 0x1_0000_0000n,
} as const;

/** What a thread shares with its process; it cannot be had otherwise. */
const THREAD_FLAGS = CLONE.VM | CLONE.FS | CLONE.FILES | CLONE.SIGHAND | CLONE.THREAD;
/** What may come with threads and processes. */
const COMMON_FLAGS =
  CLONE.PTRACE |
  CLONE.SYSVSEM |
  CLONE.SETTLS |
  CLONE.PARENT_SETTID |
  CLONE.CHILD_CLEARTID |
  CLONE.DETACHED |
  CLONE.UNTRACED |
  CLONE.CHILD_SETTID |
  CLONE.IO;
/** What may come with a thread. */
const OPTIONAL_FLAGS = COMMON_FLAGS | CLONE.PARENT;
/** What may come with a process; it shares at most its memory. */
const CHILD_FLAGS = COMMON_FLAGS | CLONE.VM | CLONE.VFORK | CLONE.CLEAR_SIGHAND;
/** The signal to the parent at the end: threads send none. */
const EXIT_SIGNAL = 0xffn;

const A0 = 10;
const SP = 2;
const TP = 4;
const ECALL_BYTES = 4;

/** What clone and clone3 say of the child. */
interface CloneRequest {
  readonly flags: bigint;
  /** Sent to the parent when a process ends; 0 = none. */
  readonly exitSignal: number;
  /** Its stack pointer; 0 = the caller's. */
  readonly sp: bigint;
  readonly stack: () => ThreadStack | undefined;
  readonly tls: bigint;
  readonly parentTid: number;
  readonly childTid: number;
}

/** A new thread, or a child process when it is not to be one of the caller's. */
function cloneTask(call: Call, request: CloneRequest): SyscallResult {
  const { kernel, thread } = call;
  const { flags } = request;
  if (thread.wait?.child) return awaitChild(call, thread.wait.child);
  const has = (flag: bigint): boolean => (flags & flag) !== 0n;
  if (has(CLONE.THREAD) && !has(CLONE.SIGHAND)) return -ERRNO.EINVAL;
  if (has(CLONE.SIGHAND) && (!has(CLONE.VM) || has(CLONE.CLEAR_SIGHAND))) return -ERRNO.EINVAL;
  const isThread = has(CLONE.THREAD);
  const allowed = isThread ? THREAD_FLAGS | OPTIONAL_FLAGS : CHILD_FLAGS;
  const [extra, missing] = [flags & ~allowed, isThread ? THREAD_FLAGS & ~flags : 0n];
  if (extra !== 0n || missing !== 0n) {
    const kind = isThread ? 'thread' : 'process';
    const problem = extra === 0n ? `without ${hex(missing)} in` : `with ${hex(extra)} of`;
    kernel.log(`clone: a ${kind} cannot be made ${problem} its flags ${hex(flags)}`);
    return -ERRNO.EINVAL;
  }
  if (!thread.takesShared) {
    kernel.log('clone: a vCPU of multiprocess makes no threads and no processes');
    return -ERRNO.EAGAIN;
  }
  if (kernel.system.processes.threads >= kernel.limits.threads) return -ERRNO.EAGAIN;
  return isThread ? cloneThread(call, request) : cloneProcess(call, request);
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

/** A new thread: a hart of this address space that goes on behind the call with a0 = 0. */
function cloneThread(call: Call, request: CloneRequest): SyscallResult {
  const { kernel, thread: parent } = call;
  const tid = kernel.system.processes.allocateId();
  const hart = kernel.host.create(call.hart, tid, request.stack);
  if (hart === undefined) return -ERRNO.EAGAIN;
  const child = kernel.addThread(hart, tid, parent);
  beginAt(call, hart, request);
  const { flags } = request;
  if ((flags & CLONE.CHILD_CLEARTID) !== 0n) child.clearChildTid = request.childTid;
  if ((flags & CLONE.PARENT_SETTID) !== 0n) tryStore(call, request.parentTid, child.tid);
  if ((flags & CLONE.CHILD_SETTID) !== 0n) tryStore(call, request.childTid, child.tid);
  return child.tid;
}

/** The registers in which a child differs from its maker. */
function beginAt(call: Call, hart: HartState, { sp, flags, tls }: CloneRequest): void {
  hart.pc = call.hart.pc + ECALL_BYTES;
  hart.setX(A0, 0n);
  if (sp !== 0n) hart.setX(SP, sp);
  if ((flags & CLONE.SETTLS) !== 0n) hart.setX(TP, tls);
}

/** A child process: with a fork of the memory, or until it execs or ends with this one. */
function cloneProcess(call: Call, request: CloneRequest): SyscallResult {
  const { kernel, thread } = call;
  const { flags, exitSignal } = request;
  const has = (flag: bigint): boolean => (flags & flag) !== 0n;
  const { processes, processLimit } = kernel.system;
  if (processes.list().length >= processLimit) return -ERRNO.EAGAIN;
  if (exitSignal > MAX_SIGNAL) return -ERRNO.EINVAL;
  const own = kernel.processMemory;
  const memory = has(CLONE.VM) ? own.retain() : own.fork(own.space.fork());
  const child = kernel.fork(memory, exitSignal);
  const hart = kernel.host.fork(call.hart, child);
  if (hart === undefined) {
    child.state.parent = undefined;
    kernel.state.children.delete(child);
    child.end();
    if (!has(CLONE.VM)) memory.space.destroy();
    return -ERRNO.EAGAIN;
  }
  const first = child.threads.begin(hart, thread);
  beginAt(call, hart, request);
  if (has(CLONE.CLEAR_SIGHAND)) child.signals.reset(true);
  if (has(CLONE.CHILD_CLEARTID)) first.clearChildTid = request.childTid;
  if (has(CLONE.PARENT_SETTID)) tryStore(call, request.parentTid, child.pid);
  if (has(CLONE.CHILD_SETTID)) memory.space.write(request.childTid, wordBytes(child.pid));
  if (!has(CLONE.VFORK) || !thread.wait) return child.pid;
  child.state.isBorrowing = true;
  thread.wait.child = child;
  return awaitChild(call, child);
}

/** vfork: the caller goes on when the child has a program of its own, or has ended. */
function awaitChild(call: Call, child: LinuxKernel): SyscallResult {
  return child.state.isBorrowing ? call.park('child') : child.pid;
}

function wordBytes(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

/** Linux does not tell when it cannot store a thread's id. */
function tryStore(call: Call, address: number, value: number): void {
  try {
    call.kernel.memory.setU32(address, value);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
  }
}

/** The writable pages below the first stack pointer of a thread that tells no bounds. */
function stackBelow(space: AddressSpace, sp: number): ThreadStack | undefined {
  const top = Math.ceil(sp / PAGE_SIZE) * PAGE_SIZE;
  let bottom = 0;
  let end = 0;
  for (const { page, count, protection } of pageRuns(space)) {
    if ((protection & WRITE) === 0) continue;
    if (page * PAGE_SIZE !== end) bottom = page * PAGE_SIZE;
    end = (page + count) * PAGE_SIZE;
    if (end >= top) break;
  }
  return bottom < top && top <= end ? { bottom, top } : undefined;
}

/** The order of arguments on RISC-V: flags, stack, parent_tid, tls, child_tid (CLONE_BACKWARDS). */
function clone(call: Call): SyscallResult {
  const sp = call.number(1);
  const { space } = call.kernel;
  return cloneTask(call, {
    flags: BigInt(call.uint(0)) & ~EXIT_SIGNAL,
    exitSignal: call.uint(0) & Number(EXIT_SIGNAL),
    sp: BigInt.asUintN(64, call.long(1)),
    stack: () => stackBelow(space, sp),
    parentTid: call.number(2),
    tls: BigInt.asUintN(64, call.long(3)),
    childTid: call.number(4),
  });
}

/**
 * Offsets in `struct clone_args`, u64 each: flags 0, pidfd 8, child_tid 16, parent_tid 24, exit_signal 32,
 * stack 40, stack_size 48, tls 56 (the first version ends here), set_tid 64, set_tid_size 72, cgroup 80.
 */
const CLONE_ARGS_BYTES = 88;
const CLONE_ARGS_FIRST = 64;

function clone3(call: Call): SyscallResult {
  const size = call.number(1);
  if (size > PAGE_SIZE) return -ERRNO.E2BIG;
  if (size < CLONE_ARGS_FIRST) return -ERRNO.EINVAL;
  const given = call.kernel.memory.read(call.number(0), size);
  if (given.subarray(CLONE_ARGS_BYTES).some((byte) => byte !== 0)) return -ERRNO.E2BIG;
  const bytes = new Uint8Array(CLONE_ARGS_BYTES);
  bytes.set(given.subarray(0, CLONE_ARGS_BYTES));
  const view = new DataView(bytes.buffer);
  const field = (offset: number): bigint => view.getBigUint64(offset, true);
  const flags = field(0);
  const [exitSignal, base, length] = [field(32), field(40), field(48)];
  if ((flags & (EXIT_SIGNAL | CLONE.DETACHED)) !== 0n) return -ERRNO.EINVAL;
  if ((base === 0n) !== (length === 0n)) return -ERRNO.EINVAL;
  if (base + length > BigInt(ADDRESS_LIMIT)) return -ERRNO.EINVAL;
  if ((flags & CLONE.THREAD) !== 0n && exitSignal !== 0n) return -ERRNO.EINVAL;
  if (field(64) !== 0n || field(72) !== 0n) return field(72) === 0n ? -ERRNO.EINVAL : -ERRNO.EPERM;
  const bottom = Math.floor(Number(base) / PAGE_SIZE) * PAGE_SIZE;
  const top = Math.ceil(Number(base + length) / PAGE_SIZE) * PAGE_SIZE;
  return cloneTask(call, {
    flags,
    exitSignal: Number(exitSignal),
    sp: BigInt.asUintN(64, base + length),
    stack: () => (length === 0n ? undefined : { bottom, top }),
    parentTid: Number(field(24)),
    childTid: Number(field(16)),
    tls: field(56),
  });
}

/** Ends the thread; the last one's end is that of the process, with its status. */
function exit(call: Call): SyscallResult {
  const { kernel, thread } = call;
  // The end of a hart of multiprocess is settled by its task.
  if (!thread.takesShared || kernel.liveThreads === 1) {
    return { kind: 'exit', status: call.int(0) & 0xff };
  }
  leaveMemory(kernel, thread);
  thread.ended = true;
  return { kind: 'thread-ended' };
}

/** The thread of this process that a call names; 0 is the caller. */
export function threadNamed(call: Call, tid: number): Thread | undefined {
  if (tid === 0 || tid === call.thread.tid) return call.thread;
  // A hart of multiprocess has the process's memory, in which the C library remembers its thread's id.
  if (tid === call.kernel.pid && !call.thread.takesShared) return call.thread;
  return call.kernel.findThread(tid);
}

/** Threads: their making, waiting for each other, and end. */
export const threadCalls: SyscallHandlers = {
  clone,
  clone3,
  exit,
  exit_group: (call) => ({ kind: 'exit', status: call.int(0) & 0xff }),
  futex,
  gettid: (call) => call.thread.tid,
  set_tid_address(call) {
    call.thread.clearChildTid = call.number(0);
    return call.thread.tid;
  },
  set_robust_list(call) {
    if (call.number(1) !== ROBUST_HEAD_BYTES) return -ERRNO.EINVAL;
    call.thread.robustList = call.number(0);
    return 0;
  },
  get_robust_list(call) {
    const thread = threadNamed(call, call.int(0));
    if (thread === undefined) return -ERRNO.ESRCH;
    call.kernel.memory.setU64(call.number(2), BigInt(ROBUST_HEAD_BYTES));
    call.kernel.memory.setU64(call.number(1), BigInt(thread.robustList));
    return 0;
  },
  // Restartable sequences are not there: the C library goes on without them.
  rseq: () => -ERRNO.ENOSYS,
  sched_yield(call) {
    call.kernel.host.yield(call.hart);
    return 0;
  },
};
