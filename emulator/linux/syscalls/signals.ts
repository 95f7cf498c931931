import { changeStack, stackFlags } from '../alternate-stack';
import { ERRNO } from '../abi/errno';
import { MAX_SIGNAL, SIGNAL, SIGRTMIN } from '../abi/signals';
import { SyscallError, type Call, type SyscallHandlers, type SyscallResult } from '../call';
import { toMilliseconds } from '../clock';
import { PROCESS_ID } from '../identity';
import {
  queuedInfo,
  senderInfo,
  SI,
  SIGINFO_BYTES,
  signalCode,
  type SignalInfo,
} from '../signal-info';
import { SA, UNBLOCKABLE } from '../signal-state';
import type { Thread } from '../thread';
import { fixedDeadline, readTimespec } from './time';

const SIGSET_BYTES = 8;
const SIG_BLOCK = 0;
const SIG_UNBLOCK = 1;
const SIG_SETMASK = 2;
const SP = 2;
const KNOWN_FLAGS = Object.values(SA).reduce((flags, flag) => flags | flag, 0n);

/**
 * `struct sigaction` of the kernel on RISC-V, which has no restorer: handler u64, flags u64, mask u64.
 */
function rtSigaction(call: Call): SyscallResult {
  const { memory, signals } = call.kernel;
  const signal = call.int(0);
  if (call.number(3) !== SIGSET_BYTES) return -ERRNO.EINVAL;
  if (signal < 1 || signal > MAX_SIGNAL) return -ERRNO.EINVAL;
  const wanted = call.number(1);
  const old = call.number(2);
  const before = signals.action(signal);
  if (wanted !== 0) {
    if (signal === SIGNAL.SIGKILL || signal === SIGNAL.SIGSTOP) return -ERRNO.EINVAL;
    signals.setAction(signal, {
      handler: Number(memory.u64(wanted)),
      flags: memory.u64(wanted + 8) & KNOWN_FLAGS,
      mask: memory.u64(wanted + 16) & ~UNBLOCKABLE,
    });
  }
  if (old !== 0) {
    memory.setU64(old, BigInt(before.handler));
    memory.setU64(old + 8, before.flags);
    memory.setU64(old + 16, before.mask);
  }
  return 0;
}

function rtSigprocmask(call: Call): SyscallResult {
  const { memory } = call.kernel;
  const { thread } = call;
  if (call.number(3) !== SIGSET_BYTES) return -ERRNO.EINVAL;
  const before = thread.blocked;
  const set = call.number(1);
  if (set !== 0) {
    const mask = memory.u64(set) & ~UNBLOCKABLE;
    switch (call.int(0)) {
      case SIG_BLOCK:
        thread.blocked |= mask;
        break;
      case SIG_UNBLOCK:
        thread.blocked &= ~mask;
        break;
      case SIG_SETMASK:
        thread.blocked = mask;
        break;
      default:
        return -ERRNO.EINVAL;
    }
  }
  if (call.number(2) !== 0) memory.setU64(call.number(2), before);
  return 0;
}

/** `stack_t`: address u64, flags i32, padding, size u64. */
function sigaltstack(call: Call): SyscallResult {
  const { memory } = call.kernel;
  const { thread, hart } = call;
  const before = thread.alternateStack;
  const sp = hart.x(SP);
  const wanted = call.number(0);
  if (wanted !== 0) {
    const after = changeStack(
      before,
      {
        address: Number(memory.u64(wanted)),
        flags: memory.u32(wanted + 8),
        size: Number(memory.u64(wanted + 16)),
      },
      sp,
    );
    if (typeof after === 'number') return -after;
    thread.alternateStack = after;
  }
  const old = call.number(1);
  if (old !== 0) {
    memory.setU64(old, BigInt(before.address));
    memory.setU64(old + 8, BigInt(stackFlags(before, sp)));
    memory.setU64(old + 16, BigInt(before.size));
  }
  return 0;
}

/** Waits with another mask until a handler has run. */
function rtSigsuspend(call: Call): SyscallResult {
  if (call.number(1) !== SIGSET_BYTES) return -ERRNO.EINVAL;
  if (call.number(0) === 0) return -ERRNO.EFAULT;
  call.borrowMask(call.number(0), call.number(1));
  return call.parkInterruptible('signal');
}

/** Takes one of the signals of a set, blocked or not, or waits for one. */
function rtSigtimedwait(call: Call): SyscallResult {
  const { memory, signals, clock } = call.kernel;
  if (call.number(3) !== SIGSET_BYTES) return -ERRNO.EINVAL;
  const set = memory.u64(call.number(0)) & ~UNBLOCKABLE;
  const timeout = call.number(2);
  const deadline =
    timeout === 0
      ? undefined
      : fixedDeadline(call, () => clock.monotonic() + readTimespec(call, timeout));
  if (call.thread.wait) call.thread.wait.awaits = set;
  const info = signals.take(call.thread, set);
  if (info !== undefined) {
    if (call.number(1) !== 0) memory.write(call.number(1), info.bytes);
    return info.signal;
  }
  if (deadline === undefined) return call.parkInterruptible('signal');
  if (clock.monotonic() >= deadline) return -ERRNO.EAGAIN;
  return call.parkInterruptible('signal', toMilliseconds(deadline));
}

/** The thread of this process that a call means; ESRCH when there is none. */
function threadOf(call: Call, tid: number): Thread {
  // A hart of multiprocess has the process's memory, in which the C library remembers its thread's id.
  if (tid === PROCESS_ID && !call.thread.takesShared) return call.thread;
  const thread = call.kernel.findThread(tid);
  if (thread === undefined) throw new SyscallError(ERRNO.ESRCH, `there is no thread ${tid}`);
  return thread;
}

/** A pid that means this process. Harts of multiprocess get what they send to the process themselves. */
function processTarget(call: Call, pid: number): Thread | undefined {
  if (pid !== PROCESS_ID) throw new SyscallError(ERRNO.ESRCH, `there is no process ${pid}`);
  return call.thread.takesShared ? undefined : call.thread;
}

/** Sends a signal; 0 only asks whether it could be sent. */
function send(call: Call, info: SignalInfo, thread: Thread | undefined): SyscallResult {
  const { signals, limits } = call.kernel;
  if (info.signal === 0) return 0;
  const queues = info.signal >= SIGRTMIN && signalCode(info) !== SI.USER;
  if (queues && signals.count >= limits.pendingSignals) return -ERRNO.EAGAIN;
  signals.send(info, thread);
  return 0;
}

function isSignal(signal: number): boolean {
  return signal >= 0 && signal <= MAX_SIGNAL;
}

function sendToThread(call: Call, tid: number, signal: number): SyscallResult {
  if (!isSignal(signal)) return -ERRNO.EINVAL;
  const sender = { pid: PROCESS_ID, uid: call.kernel.user };
  return send(call, senderInfo(signal, SI.TKILL, sender), threadOf(call, tid));
}

/** The `siginfo_t` of rt_sigqueueinfo. */
function readInfo(call: Call, address: number, signal: number): SignalInfo {
  return queuedInfo(signal, call.kernel.memory.read(address, SIGINFO_BYTES));
}

/** Signals: actions, masks, waiting and sending (signal(7)). */
export const signalCalls: SyscallHandlers = {
  rt_sigaction: rtSigaction,
  rt_sigprocmask: rtSigprocmask,
  rt_sigreturn: (call) => call.kernel.returnFromHandler(call.thread),
  rt_sigsuspend: rtSigsuspend,
  rt_sigtimedwait: rtSigtimedwait,
  sigaltstack,
  rt_sigpending(call) {
    const size = call.number(1);
    if (size > SIGSET_BYTES) return -ERRNO.EINVAL;
    const bytes = new Uint8Array(8);
    const set = call.kernel.signals.pending(call.thread) & call.thread.blocked;
    new DataView(bytes.buffer).setBigUint64(0, set, true);
    call.kernel.memory.write(call.number(0), bytes.subarray(0, size));
    return 0;
  },
  // What is waited for begins anew by itself: only a program that makes this call itself comes here.
  restart_syscall: () => -ERRNO.EINTR,
  kill(call) {
    const pid = call.int(0);
    const signal = call.int(1);
    if (!isSignal(signal)) return -ERRNO.EINVAL;
    // 0 and -1 mean the process group and everybody: here the process itself.
    const self = pid === 0 || pid === -1 || pid === -PROCESS_ID;
    const sender = { pid: PROCESS_ID, uid: call.kernel.user };
    const target = processTarget(call, self ? PROCESS_ID : pid);
    return send(call, senderInfo(signal, SI.USER, sender), target);
  },
  tkill(call) {
    return call.int(0) <= 0 ? -ERRNO.EINVAL : sendToThread(call, call.int(0), call.int(1));
  },
  tgkill(call) {
    if (call.int(0) <= 0 || call.int(1) <= 0) return -ERRNO.EINVAL;
    if (call.int(0) !== PROCESS_ID) return -ERRNO.ESRCH;
    return sendToThread(call, call.int(1), call.int(2));
  },
  rt_sigqueueinfo(call) {
    const info = readInfo(call, call.number(2), call.int(1));
    const target = processTarget(call, call.int(0));
    return isSignal(info.signal) ? send(call, info, target) : -ERRNO.EINVAL;
  },
  rt_tgsigqueueinfo(call) {
    const info = readInfo(call, call.number(3), call.int(2));
    if (call.int(0) <= 0 || call.int(1) <= 0) return -ERRNO.EINVAL;
    if (call.int(0) !== PROCESS_ID) return -ERRNO.ESRCH;
    const target = threadOf(call, call.int(1));
    return isSignal(info.signal) ? send(call, info, target) : -ERRNO.EINVAL;
  },
};
