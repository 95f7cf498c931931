import { ERRNO } from './abi/errno';
import { SIGNAL } from './abi/signals';
import type { Call, SyscallResult } from './call';
import type { OpenFile } from './files/open-file';
import { isOrphaned } from './process-state';
import { signalBit } from './pending-signals';
import { kernelInfo } from './signal-info';

/** Bit of c_lflag: output of background processes stops them too. */
const TOSTOP = 0o400;

/** Whether the process is in the background of the terminal that it uses. */
function isBackground({ kernel }: Call): boolean {
  const { terminal } = kernel.system;
  const { session, group } = kernel.state;
  return terminal.session === session && terminal.foreground !== group;
}

/** Whether the signal would do nothing to the caller. */
function isDeaf({ kernel, thread }: Call, signal: number): boolean {
  return kernel.signals.isIgnoredByWish(signal) || (thread.blocked & signalBit(signal)) !== 0n;
}

/** The caller's group gets the signal; the call is made again when it goes on. */
function stopGroup(call: Call, signal: number): SyscallResult {
  const { system, state } = call.kernel;
  for (const { signals } of system.processes.group(state.group)) signals.send(kernelInfo(signal));
  return call.parkInterruptible('input');
}

/**
 * A process in the background that reads from its terminal is stopped (n_tty.c, job_control).
 * @returns undefined when it may read
 */
export function beforeReading(call: Call, file: OpenFile): SyscallResult | undefined {
  if (file.terminal === undefined || !isBackground(call)) return undefined;
  const isHopeless =
    isDeaf(call, SIGNAL.SIGTTIN) || isOrphaned(call.kernel, call.kernel.state.group);
  return isHopeless ? -ERRNO.EIO : stopGroup(call, SIGNAL.SIGTTIN);
}

/** The same for one that changes its terminal (tty_check_change). */
export function beforeChanging(call: Call): SyscallResult | undefined {
  if (!isBackground(call) || isDeaf(call, SIGNAL.SIGTTOU)) return undefined;
  if (isOrphaned(call.kernel, call.kernel.state.group)) return -ERRNO.EIO;
  return stopGroup(call, SIGNAL.SIGTTOU);
}

/** The same for one that writes to it, where the terminal is set so. */
export function beforeWriting(call: Call, { terminal }: OpenFile): SyscallResult | undefined {
  if (terminal === undefined || (terminal.termios.lflag & TOSTOP) === 0) return undefined;
  return beforeChanging(call);
}
