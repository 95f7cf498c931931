import { ERRNO } from '../abi/errno';
import { SIGNAL } from '../abi/signals';
import { SyscallError, type Call, type SyscallHandlers, type SyscallResult } from '../call';
import type { LinuxKernel } from '../kernel';
import { CLD } from '../signal-info';
import { encodeUsage } from './time';

/** Options of wait4 and waitid (include/uapi/linux/wait.h). */
const W = {
  NOHANG: 1,
  STOPPED: 2,
  EXITED: 4,
  CONTINUED: 8,
  NOWAIT: 0x0100_0000,
  NOTHREAD: 0x2000_0000,
  ALL: 0x4000_0000,
  CLONE: 0x8000_0000,
} as const;

const P_ALL = 0;
const P_PID = 1;
const P_PGID = 2;

const CONTINUED_STATUS = 0xffff;
const STOPPED_STATUS = 0x7f;
const INFO_BYTES = 128;

/** What a caller waits for. */
interface Wish {
  readonly isMeant: (child: LinuxKernel) => boolean;
  /** W bits. */
  readonly options: number;
}

/** What has happened to a child. */
interface Event {
  readonly child: LinuxKernel;
  /** Of CLD. */
  readonly code: number;
  /** Exit status or signal. */
  readonly status: number;
}

/** Children of clone that send something else than SIGCHLD are waited for with __WCLONE. */
function fits({ state }: LinuxKernel, options: number): boolean {
  if ((options & W.ALL) !== 0) return true;
  return (state.exitSignal !== SIGNAL.SIGCHLD) === ((options & W.CLONE) !== 0);
}

function eventOf(child: LinuxKernel, options: number): Event | undefined {
  const { ended, report, stoppedBy } = child.state;
  if (ended) {
    if ((options & W.EXITED) === 0) return undefined;
    return ended.kind === 'exited'
      ? { child, code: CLD.EXITED, status: ended.status }
      : { child, code: CLD.KILLED, status: ended.signal };
  }
  if (report === 'stopped' && (options & W.STOPPED) !== 0 && stoppedBy !== 0) {
    return { child, code: CLD.STOPPED, status: stoppedBy };
  }
  if (report === 'continued' && (options & W.CONTINUED) !== 0) {
    return { child, code: CLD.CONTINUED, status: SIGNAL.SIGCONT };
  }
  return undefined;
}

/** The first event of a child that is meant; undefined when there is none yet, ECHILD when none can come. */
function look(call: Call, { isMeant, options }: Wish): Event | undefined {
  const children = [...call.kernel.state.children];
  const meant = children.filter((child) => isMeant(child) && fits(child, options));
  if (meant.length === 0) throw new SyscallError(ERRNO.ECHILD, 'there is no such child');
  for (const child of meant) {
    const event = eventOf(child, options);
    if (event) return event;
  }
  return undefined;
}

/** The event has been told: a child that has ended is gone, with its processor time. */
function take({ kernel }: Call, { child }: Event, options: number): void {
  if ((options & W.NOWAIT) !== 0) return;
  child.state.report = undefined;
  if (!child.state.ended) return;
  kernel.state.childInstructions += child.retired() + child.state.childInstructions;
  child.state.reap();
}

function statusWord({ code, status }: Event): number {
  switch (code) {
    case CLD.EXITED:
      return status << 8;
    case CLD.STOPPED:
      return (status << 8) | STOPPED_STATUS;
    case CLD.CONTINUED:
      return CONTINUED_STATUS;
    default:
      return status;
  }
}

function wait4(call: Call): SyscallResult {
  const { kernel } = call;
  const pid = call.int(0);
  const given = call.uint(2);
  const known = W.NOHANG | W.STOPPED | W.CONTINUED | W.NOTHREAD | W.ALL | W.CLONE;
  if ((given & ~known) !== 0) return -ERRNO.EINVAL;
  if (pid === -(2 ** 31)) return -ERRNO.ESRCH;
  const options = given | W.EXITED;
  const group = pid === 0 ? kernel.state.group : -pid;
  const isMeant = (child: LinuxKernel): boolean =>
    pid === -1 || (pid > 0 ? child.pid === pid : child.state.group === group);
  const event = look(call, { isMeant, options });
  if (!event) return (given & W.NOHANG) !== 0 ? 0 : call.parkInterruptible('child');
  const usage = encodeUsage(kernel, event.child.processorTime() + event.child.childrenTime());
  take(call, event, options);
  if (call.number(1) !== 0) kernel.memory.setU32(call.number(1), statusWord(event));
  if (call.number(3) !== 0) kernel.memory.write(call.number(3), usage);
  return event.child.pid;
}

/** Who is meant by waitid's first arguments; undefined when that cannot be. */
function meantBy(call: Call, kind: number, id: number): Wish['isMeant'] | undefined {
  switch (kind) {
    case P_ALL:
      return () => true;
    case P_PID:
      return id <= 0 ? undefined : ({ pid }) => pid === id;
    case P_PGID: {
      if (id < 0) return undefined;
      const group = id === 0 ? call.kernel.state.group : id;
      return ({ state }) => state.group === group;
    }
    default:
      return undefined;
  }
}

/** `siginfo_t` of a child: si_signo, si_code at 8, si_pid, si_uid, si_status from 16 on. */
function encodeInfo({ child, code, status }: Event): Uint8Array {
  const bytes = new Uint8Array(INFO_BYTES);
  const words = new Int32Array(bytes.buffer);
  words[0] = SIGNAL.SIGCHLD;
  words[2] = code;
  words.set([child.pid, child.user, status], 4);
  return bytes;
}

function waitid(call: Call): SyscallResult {
  const { kernel } = call;
  const options = call.uint(3);
  const what = W.EXITED | W.STOPPED | W.CONTINUED;
  const known = what | W.NOHANG | W.NOWAIT | W.NOTHREAD | W.ALL | W.CLONE;
  if ((options & ~known) !== 0 || (options & what) === 0) return -ERRNO.EINVAL;
  const isMeant = meantBy(call, call.int(0), call.int(1));
  if (!isMeant) return -ERRNO.EINVAL;
  const event = look(call, { isMeant, options });
  if (!event && (options & W.NOHANG) === 0) return call.parkInterruptible('child');
  const [info, usage] = [call.number(2), call.number(4)];
  if (event) {
    const { child } = event;
    const used = encodeUsage(kernel, child.processorTime() + child.childrenTime());
    take(call, event, options);
    if (usage !== 0) kernel.memory.write(usage, used);
  }
  if (info !== 0) kernel.memory.write(info, event ? encodeInfo(event) : new Uint8Array(INFO_BYTES));
  return 0;
}

/** Waiting for children (wait(2)). */
export const waitCalls: SyscallHandlers = { wait4, waitid };
