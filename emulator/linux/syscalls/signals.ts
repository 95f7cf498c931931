import { changeStack, stackFlags } from '../alternate-stack';
import { ERRNO } from '../abi/errno';
import { MAX_SIGNAL, SIGNAL, SIGRTMIN } from '../abi/signals';
import { SyscallError, type Call, type SyscallHandlers, type SyscallResult } from '../call';
import { toMilliseconds } from '../clock';
import type { LinuxKernel } from '../kernel';
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

/** Where a signal goes: to a process, or to one of its threads. */
interface Target {
  readonly process: LinuxKernel;
  readonly thread: Thread | undefined;
}

/** The thread that a call means, of any process or of `tgid`; ESRCH when there is none. */
function threadOf(call: Call, tid: number, tgid?: number): Target {
  const { kernel, thread: caller } = call;
  // A hart of multiprocess has the process's memory, in which the C library remembers its thread's id.
  if (tid === kernel.pid && !caller.takesShared && (tgid ?? tid) === kernel.pid) {
    return { process: kernel, thread: caller };
  }
  const { processes } = kernel.system;
  const owner = tgid === undefined ? undefined : processes.get(tgid);
  for (const process of owner ? [owner] : tgid === undefined ? processes.live() : []) {
    const thread = process.findThread(tid);
    if (thread !== undefined) return { process, thread };
  }
  throw new SyscallError(ERRNO.ESRCH, `there is no thread ${tid}`);
}

/** The process that a pid means. Harts of multiprocess get what they send to their process themselves. */
function processTarget({ kernel, thread }: Call, pid: number): Target {
  const process = kernel.system.processes.get(pid);
  if (process === undefined) throw new SyscallError(ERRNO.ESRCH, `there is no process ${pid}`);
  return { process, thread: process === kernel && !thread.takesShared ? thread : undefined };
}

/** The processes that kill means: one, a group (0, -group), or all but the caller (-1). */
function killTargets(call: Call, pid: number): readonly Target[] {
  const { kernel, thread } = call;
  const { processes } = kernel.system;
  if (pid > 0) return [processTarget(call, pid)];
  if (!thread.takesShared) return [{ process: kernel, thread }];
  const everybody = processes.live().filter((process) => process !== kernel);
  const members = pid === -1 ? everybody : processes.group(pid === 0 ? kernel.state.group : -pid);
  if (members.length === 0) {
    throw new SyscallError(ERRNO.ESRCH, `nobody is meant by ${pid}`);
  }
  return members.map((process) => ({ process, thread: undefined }));
}

/** Sends a signal; 0 only asks whether it could be sent. */
function send(info: SignalInfo, { process, thread }: Target): SyscallResult {
  const { signals, limits, state } = process;
  // A zombie is there, and hears nothing.
  if (info.signal === 0 || state.ended) return 0;
  const queues = info.signal >= SIGRTMIN && signalCode(info) !== SI.USER;
  if (queues && signals.count >= limits.pendingSignals) return -ERRNO.EAGAIN;
  signals.send(info, thread);
  return 0;
}

function isSignal(signal: number): boolean {
  return signal >= 0 && signal <= MAX_SIGNAL;
}

/** The caller, as the receiver of its signal sees it. */
function sender({ kernel }: Call): { pid: number; uid: number } {
  return { pid: kernel.pid, uid: kernel.user };
}

function sendToThread(call: Call, tid: number, signal: number, tgid?: number): SyscallResult {
  if (!isSignal(signal)) return -ERRNO.EINVAL;
  return send(senderInfo(signal, SI.TKILL, sender(call)), threadOf(call, tid, tgid));
}

/** Only a process itself may say that its signal comes from the kernel or from kill. */
function mayQueue(call: Call, info: SignalInfo, { process }: Target): boolean {
  const code = signalCode(info);
  return process === call.kernel || (code < 0 && code !== SI.TKILL);
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
    const [pid, signal] = [call.int(0), call.int(1)];
    if (!isSignal(signal)) return -ERRNO.EINVAL;
    const info = senderInfo(signal, SI.USER, sender(call));
    const results = killTargets(call, pid).map((target) => send(info, target));
    return results.includes(0) ? 0 : (results[0] ?? 0);
  },
  tkill(call) {
    return call.int(0) <= 0 ? -ERRNO.EINVAL : sendToThread(call, call.int(0), call.int(1));
  },
  tgkill(call) {
    const [tgid, tid] = [call.int(0), call.int(1)];
    return tgid <= 0 || tid <= 0 ? -ERRNO.EINVAL : sendToThread(call, tid, call.int(2), tgid);
  },
  rt_sigqueueinfo(call) {
    const info = readInfo(call, call.number(2), call.int(1));
    const target = processTarget(call, call.int(0));
    if (!isSignal(info.signal)) return -ERRNO.EINVAL;
    return mayQueue(call, info, target) ? send(info, target) : -ERRNO.EPERM;
  },
  rt_tgsigqueueinfo(call) {
    const info = readInfo(call, call.number(3), call.int(2));
    const [tgid, tid] = [call.int(0), call.int(1)];
    if (tgid <= 0 || tid <= 0) return -ERRNO.EINVAL;
    const target = threadOf(call, tid, tgid);
    if (!isSignal(info.signal)) return -ERRNO.EINVAL;
    return mayQueue(call, info, target) ? send(info, target) : -ERRNO.EPERM;
  },
};
