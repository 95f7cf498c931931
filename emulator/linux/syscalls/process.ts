import { ADDRESS_LIMIT } from '../../memory/layout';
import { ERRNO } from '../abi/errno';
import type { Call, SyscallHandlers, SyscallResult } from '../call';
import { NANOSECONDS } from '../clock';
import { encodeText } from '../guest-memory';
import { hwprobeValue, PARENT_PROCESS_ID, UTSNAME } from '../identity';
import type { LinuxKernel } from '../kernel';
import type { ResourceLimit } from '../limits';
import { threadNamed } from './threads';
import { encodeUsage } from './time';

const UTS_FIELD = 65;

function uname(call: Call): SyscallResult {
  const bytes = new Uint8Array(UTS_FIELD * UTSNAME.length);
  UTSNAME.forEach((field, i) => bytes.set(encodeText(field), UTS_FIELD * i));
  call.kernel.memory.write(call.number(0), bytes);
  return 0;
}

/** `struct sysinfo`: uptime, loads, total and free memory … in bytes (unit 1). */
function sysinfo(call: Call): SyscallResult {
  const { kernel } = call;
  const frames = kernel.space.arena.frames;
  const bytes = new Uint8Array(112);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, kernel.clock.monotonic() / NANOSECONDS, true);
  view.setBigUint64(32, BigInt(frames.limit) * 4096n, true);
  view.setBigUint64(40, BigInt(frames.limit - frames.used) * 4096n, true);
  view.setUint16(80, 1, true);
  view.setUint32(104, 1, true);
  kernel.memory.write(call.number(0), bytes);
  return 0;
}

function encodeLimit({ soft, hard }: ResourceLimit): Uint8Array {
  return new Uint8Array(BigUint64Array.of(soft, hard).buffer);
}

/** getrlimit and setrlimit in one; limits can be lowered, never raised above the hard one. */
function resourceLimit(
  call: Call,
  resource: number,
  wanted: number,
  old: number,
  { limits } = call.kernel,
): SyscallResult {
  const { memory } = call.kernel;
  const before = limits.get(resource);
  if (before === undefined) return -ERRNO.EINVAL;
  if (wanted !== 0) {
    const soft = memory.u64(wanted);
    const hard = memory.u64(wanted + 8);
    if (soft > hard) return -ERRNO.EINVAL;
    if (hard > before.hard) return -ERRNO.EPERM;
    limits.set(resource, { soft, hard });
  }
  if (old !== 0) memory.write(old, encodeLimit(before));
  return 0;
}

const RUSAGE_CHILDREN = -1;
const RUSAGE_THREAD = 1;

function getrusage(call: Call): SyscallResult {
  const { kernel, thread } = call;
  const who = call.int(0);
  if (who < RUSAGE_CHILDREN || who > RUSAGE_THREAD) return -ERRNO.EINVAL;
  const usage =
    who === RUSAGE_CHILDREN
      ? encodeUsage(kernel, kernel.childrenTime())
      : encodeUsage(kernel, kernel.processorTime(who === RUSAGE_THREAD ? thread : undefined));
  kernel.memory.write(call.number(1), usage);
  return 0;
}

/** One processor: bit 0 of the mask. */
function schedGetaffinity(call: Call): SyscallResult {
  const size = call.number(1);
  if (!processNamed(call)) return -ERRNO.ESRCH;
  if (size < 8 || size % 8 !== 0) return -ERRNO.EINVAL;
  call.kernel.memory.setU64(call.number(2), 1n);
  return 8;
}

/** The process that argument 0 names by itself or one of its threads; 0 means the caller. */
function processNamed(call: Call): LinuxKernel | undefined {
  const id = call.int(0);
  if (threadNamed(call, id) !== undefined) return call.kernel;
  const { processes } = call.kernel.system;
  return processes.live().find((process) => process.pid === id || process.findThread(id));
}

const SCHED_FIFO = 1;
const SCHED_RR = 2;
const SCHED_IDLE = 5;

function priorityLimit(policy: number, realTime: number): number {
  if (policy === SCHED_FIFO || policy === SCHED_RR) return realTime;
  return policy >= 0 && policy <= SCHED_IDLE && policy !== 4 ? 0 : -ERRNO.EINVAL;
}

const PR_SET_PDEATHSIG = 1;
const PR_GET_PDEATHSIG = 2;
const PR_GET_DUMPABLE = 3;
const PR_SET_DUMPABLE = 4;
const PR_SET_NAME = 15;
const PR_GET_NAME = 16;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_GET_NO_NEW_PRIVS = 39;
const PR_SET_CHILD_SUBREAPER = 36;
const PR_GET_CHILD_SUBREAPER = 37;
const NAME_BYTES = 16;

function prctl(call: Call): SyscallResult {
  const { memory } = call.kernel;
  switch (call.int(0)) {
    case PR_SET_CHILD_SUBREAPER:
      call.kernel.state.isSubreaper = call.number(1) !== 0;
      return 0;
    case PR_GET_CHILD_SUBREAPER:
      memory.setU32(call.number(1), call.kernel.state.isSubreaper ? 1 : 0);
      return 0;
    case PR_SET_NAME: {
      const bytes = call.kernel.space.read(call.number(1), NAME_BYTES - 1);
      const end = bytes.indexOf(0);
      if (end < 0 && bytes.length < NAME_BYTES - 1) return -ERRNO.EFAULT;
      call.thread.name = new TextDecoder().decode(bytes.subarray(0, end < 0 ? undefined : end));
      return 0;
    }
    case PR_GET_NAME: {
      const bytes = new Uint8Array(NAME_BYTES);
      bytes.set(encodeText(call.thread.name).subarray(0, NAME_BYTES - 1));
      memory.write(call.number(1), bytes);
      return 0;
    }
    case PR_GET_PDEATHSIG:
      memory.setU32(call.number(1), 0);
      return 0;
    case PR_GET_DUMPABLE:
    case PR_GET_NO_NEW_PRIVS:
      return 1;
    case PR_SET_PDEATHSIG:
    case PR_SET_DUMPABLE:
    case PR_SET_NO_NEW_PRIVS:
      return 0;
    default:
      return -ERRNO.EINVAL;
  }
}

/** Each pair is a key (i64) and its value (u64); a key that is not known becomes -1. */
function riscvHwprobe(call: Call): SyscallResult {
  const { memory } = call.kernel;
  const [pairs, count, flags] = [call.number(0), call.number(1), call.uint(4)];
  if (flags !== 0) return -ERRNO.EINVAL;
  for (let i = 0; i < count; i++) {
    const at = pairs + 16 * i;
    const value = hwprobeValue(memory.i64(at), ADDRESS_LIMIT);
    if (value === undefined) memory.setU64(at, 2n ** 64n - 1n);
    memory.setU64(at + 8, value ?? 0n);
  }
  return 0;
}

const MEMBARRIER_QUERY = 0;
const MEMBARRIER_COMMANDS = [1, 2, 4, 8, 16, 32, 64];
const MEMBARRIER_SUPPORTED = MEMBARRIER_COMMANDS.reduce((mask, command) => mask | command, 0);

/** With one thread every barrier has been passed already. */
function membarrier(call: Call): SyscallResult {
  const command = call.int(0);
  if (call.uint(1) !== 0) return -ERRNO.EINVAL;
  if (command === MEMBARRIER_QUERY) return MEMBARRIER_SUPPORTED;
  return MEMBARRIER_COMMANDS.includes(command) ? 0 : -ERRNO.EINVAL;
}

/** Changing to the identity that the process has already. */
function keepIdentity(own: 'user' | 'group', count: number): (call: Call) => SyscallResult {
  return (call) => {
    for (let i = 0; i < count; i++) {
      if (call.int(i) !== -1 && call.int(i) !== call.kernel[own]) return -ERRNO.EPERM;
    }
    return 0;
  };
}

function getIdentity(own: 'user' | 'group'): (call: Call) => SyscallResult {
  return (call) => {
    for (let i = 0; i < 3; i++) call.kernel.memory.setU32(call.number(i), call.kernel[own]);
    return 0;
  };
}

/** The process itself: its end, its names, limits and threads. */
export const processCalls: SyscallHandlers = {
  getpid: (call) => call.kernel.pid,
  getppid: (call) => call.kernel.state.parent?.pid ?? PARENT_PROCESS_ID,
  getuid: (call) => call.kernel.user,
  geteuid: (call) => call.kernel.user,
  getgid: (call) => call.kernel.group,
  getegid: (call) => call.kernel.group,
  getresuid: getIdentity('user'),
  getresgid: getIdentity('group'),
  setuid: keepIdentity('user', 1),
  setgid: keepIdentity('group', 1),
  setreuid: keepIdentity('user', 2),
  setregid: keepIdentity('group', 2),
  setresuid: keepIdentity('user', 3),
  setresgid: keepIdentity('group', 3),
  // They answer what it was before, also when nothing changes.
  setfsuid: (call) => call.kernel.user,
  setfsgid: (call) => call.kernel.group,
  getgroups: () => 0,
  uname,
  sysinfo,
  getrusage,
  prlimit64(call) {
    const process = processNamed(call);
    if (!process) return -ERRNO.ESRCH;
    return resourceLimit(call, call.uint(1), call.number(2), call.number(3), process);
  },
  getrlimit: (call) => {
    return call.number(1) === 0
      ? -ERRNO.EFAULT
      : resourceLimit(call, call.uint(0), 0, call.number(1));
  },
  setrlimit: (call) => {
    return call.number(1) === 0
      ? -ERRNO.EFAULT
      : resourceLimit(call, call.uint(0), call.number(1), 0);
  },
  getcpu(call) {
    const { memory } = call.kernel;
    if (call.number(0) !== 0) memory.setU32(call.number(0), 0);
    if (call.number(1) !== 0) memory.setU32(call.number(1), 0);
    return 0;
  },
  sched_getaffinity: schedGetaffinity,
  sched_setaffinity(call) {
    if (!processNamed(call)) return -ERRNO.ESRCH;
    if (call.number(1) === 0) return -ERRNO.EINVAL;
    const mask = call.kernel.memory.read(call.number(2), Math.min(call.number(1), 8))[0] ?? 0;
    return mask & 1 ? 0 : -ERRNO.EINVAL;
  },
  sched_getscheduler: (call) => (processNamed(call) ? 0 : -ERRNO.ESRCH),
  sched_getparam(call) {
    if (!processNamed(call)) return -ERRNO.ESRCH;
    call.kernel.memory.setU32(call.number(1), 0);
    return 0;
  },
  sched_get_priority_max: (call) => priorityLimit(call.int(0), 99),
  sched_get_priority_min: (call) => priorityLimit(call.int(0), 1),
  getpriority: (call) => (call.int(0) === 0 ? 20 : -ERRNO.EINVAL),
  setpriority: (call) => (call.int(0) === 0 ? 0 : -ERRNO.EINVAL),
  personality: (call) => ([0, 0xffff_ffff].includes(call.uint(0)) ? 0 : -ERRNO.EINVAL),
  prctl,
  membarrier,
  riscv_hwprobe: riscvHwprobe,
  // The machine makes stores visible to fetches at fence.i; this call does the same for all harts.
  riscv_flush_icache(call) {
    if (call.uint(2) & ~1) return -ERRNO.EINVAL;
    call.kernel.onFlushInstructions?.();
    return 0;
  },
};
