import { SIGNAL } from './abi/signals';
import type { LinuxKernel } from './kernel';
import { isOrphaned, type ProcessEnd } from './process-state';
import { leaveMemory } from './robust-futexes';
import { CLD, kernelInfo } from './signal-info';
import { SA } from './signal-state';

/** Gives back what a process has, finds its children a parent, and tells its own (kernel/exit.c). */
export function endProcess(process: LinuxKernel, how: ProcessEnd): void {
  const { state, system, pid } = process;
  if (state.ended !== undefined) return;
  for (const thread of process.listThreads()) leaveMemory(process, thread);
  process.processMemory.release();
  process.descriptors.closeAll();
  state.ended = how;
  state.stoppedBy = 0;
  state.report = undefined;
  state.giveMemoryBack();
  giveChildrenAway(process);
  if (state.session === pid && system.terminal.session === pid) system.terminal.hangUp();
  const code = how.kind === 'exited' ? CLD.EXITED : CLD.KILLED;
  const isUnwanted = !isAwaited(process);
  state.tell(code, how.kind === 'exited' ? how.status : how.signal);
  if (isUnwanted) state.reap();
}

/** Whether the process stays until its parent has waited for it. */
function isAwaited({ state }: LinuxKernel): boolean {
  if (state.parent === undefined) return false;
  if (state.exitSignal !== SIGNAL.SIGCHLD) return true;
  const { signals } = state.parent;
  const { flags } = signals.action(SIGNAL.SIGCHLD);
  return !signals.isIgnoredByWish(SIGNAL.SIGCHLD) && (flags & SA.NOCLDWAIT) === 0n;
}

/** Orphans go to the next subreaper above, or out of the machine, where init waits for everybody. */
function giveChildrenAway(process: LinuxKernel): void {
  let heir = process.state.parent;
  while (heir && (!heir.state.isSubreaper || heir.state.ended)) heir = heir.state.parent;
  for (const child of [...process.state.children]) {
    const { group } = child.state;
    const wasOrphaned = isOrphaned(child, group);
    process.state.children.delete(child);
    child.state.parent = heir;
    child.state.exitSignal = SIGNAL.SIGCHLD;
    heir?.state.children.add(child);
    if (child.state.ended) {
      if (heir) heir.state.wakeThreads();
      else child.state.reap();
    } else if (!wasOrphaned) continueOrphans(child, group);
  }
  continueOrphans(process, process.state.group);
}

/** Stopped processes of a group that nobody can continue any more hear of it (POSIX, _exit). */
function continueOrphans(process: LinuxKernel, group: number): void {
  const members = process.system.processes.group(group);
  if (!members.some(({ state }) => state.stoppedBy !== 0)) return;
  if (!isOrphaned(process, group)) return;
  for (const { signals } of members) {
    signals.send(kernelInfo(SIGNAL.SIGHUP));
    signals.send(kernelInfo(SIGNAL.SIGCONT));
  }
}
