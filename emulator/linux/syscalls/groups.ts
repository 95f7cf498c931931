import { ERRNO } from '../abi/errno';
import type { Call, SyscallHandlers, SyscallResult } from '../call';
import type { LinuxKernel } from '../kernel';

/** The process that a pid means; 0 is the caller. Undefined when there is none. */
function named({ kernel }: Call, pid: number): LinuxKernel | undefined {
  if (pid === 0 || pid === kernel.pid || kernel.findThread(pid)) return kernel;
  return kernel.system.processes.get(pid);
}

/** A process puts itself or a child that still runs its own program into a group of its session. */
function setpgid(call: Call): SyscallResult {
  const { kernel } = call;
  const [pid, group] = [call.int(0), call.int(1)];
  if (group < 0) return -ERRNO.EINVAL;
  const process = pid === 0 || pid === kernel.pid ? kernel : kernel.system.processes.get(pid);
  if (!process || process.state.ended) return -ERRNO.ESRCH;
  const { state } = process;
  if (process !== kernel) {
    if (state.parent !== kernel) return -ERRNO.ESRCH;
    if (state.session !== kernel.state.session) return -ERRNO.EPERM;
    if (state.hasExeced) return -ERRNO.EACCES;
  }
  if (state.session === process.pid) return -ERRNO.EPERM;
  const wanted = group === 0 ? process.pid : group;
  if (wanted !== process.pid) {
    const members = kernel.system.processes.group(wanted);
    if (!members.some((member) => member.state.session === kernel.state.session)) {
      return -ERRNO.EPERM;
    }
  }
  state.group = wanted;
  return 0;
}

function setsid({ kernel }: Call): SyscallResult {
  const { pid, state, system } = kernel;
  if (system.processes.group(pid).length > 0) return -ERRNO.EPERM;
  state.group = pid;
  state.session = pid;
  return pid;
}

/** Process groups and sessions (credentials(7)). */
export const groupCalls: SyscallHandlers = {
  getpgid: (call) => named(call, call.int(0))?.state.group ?? -ERRNO.ESRCH,
  getsid: (call) => named(call, call.int(0))?.state.session ?? -ERRNO.ESRCH,
  setpgid,
  setsid,
};
