import { ERRNO } from '../abi/errno';
import { MAX_SIGNAL, SIGNAL } from '../abi/signals';
import type { Call, SyscallHandlers, SyscallResult } from '../call';
import { PROCESS_ID } from '../identity';
import { UNBLOCKABLE } from '../signal-state';
import { SS_DISABLE } from '../thread';

const SIGSET_BYTES = 8;
const SIG_BLOCK = 0;
const SIG_UNBLOCK = 1;
const SIG_SETMASK = 2;
/** Smallest alternate stack (include/uapi/asm-generic/signal.h). */
const MINSIGSTKSZ = 2048;
const SS_AUTODISARM = 2 ** 31;

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
      flags: memory.u64(wanted + 8),
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
  const { thread } = call;
  const before = thread.alternateStack;
  const wanted = call.number(0);
  if (wanted !== 0) {
    const address = Number(memory.u64(wanted));
    const flags = memory.u32(wanted + 8);
    const size = Number(memory.u64(wanted + 16));
    const mode = flags & ~SS_AUTODISARM;
    if (mode !== 0 && mode !== SS_DISABLE && mode !== 1) return -ERRNO.EINVAL;
    if (mode === SS_DISABLE) {
      thread.alternateStack = { address: 0, flags: SS_DISABLE, size: 0 };
    } else if (size < MINSIGSTKSZ) {
      return -ERRNO.ENOMEM;
    } else {
      thread.alternateStack = { address, flags: flags & SS_AUTODISARM, size };
    }
  }
  const old = call.number(1);
  if (old !== 0) {
    memory.setU64(old, BigInt(before.address));
    memory.setU64(old + 8, BigInt(before.flags >>> 0));
    memory.setU64(old + 16, BigInt(before.size));
  }
  return 0;
}

/** Sends a signal to this process, the only one there is. */
function send(call: Call, target: number, signal: number): SyscallResult {
  if (signal < 0 || signal > MAX_SIGNAL) return -ERRNO.EINVAL;
  if (target !== PROCESS_ID) return -ERRNO.ESRCH;
  if (signal !== 0) call.kernel.raise(signal);
  return 0;
}

/** Signals: actions and masks are kept, default actions carried out; handlers are not run yet. */
export const signalCalls: SyscallHandlers = {
  rt_sigaction: rtSigaction,
  rt_sigprocmask: rtSigprocmask,
  sigaltstack,
  rt_sigpending(call) {
    if (call.number(1) > SIGSET_BYTES) return -ERRNO.EINVAL;
    call.kernel.memory.setU64(call.number(0), call.kernel.signals.pending & call.thread.blocked);
    return 0;
  },
  kill(call) {
    const pid = call.int(0);
    // 0 and -1 mean the process group and everybody: here the process itself.
    const self = pid === 0 || pid === -1 || pid === -PROCESS_ID;
    return send(call, self ? PROCESS_ID : pid, call.int(1));
  },
  tkill(call) {
    return call.int(0) <= 0 ? -ERRNO.EINVAL : send(call, call.int(0), call.int(1));
  },
  tgkill(call) {
    if (call.int(0) <= 0 || call.int(1) <= 0) return -ERRNO.EINVAL;
    if (call.int(0) !== PROCESS_ID) return -ERRNO.ESRCH;
    return send(call, call.int(1), call.int(2));
  },
};
