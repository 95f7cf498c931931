import { SIGNAL } from './abi/signals';
import type { LinuxKernel } from './kernel';
import { CLD, childInfo } from './signal-info';
import { SA } from './signal-state';
import type { Thread } from './thread';

/** How a process ends: by exit with a status (0 to 255), or by a signal. */
export type ProcessEnd =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: number };

/** Whether nobody in the group's session outside the group can continue its processes (POSIX: orphaned). */
export function isOrphaned(process: LinuxKernel, group: number): boolean {
  return process.system.processes.group(group).every((member) => {
    const { parent, session } = member.state;
    if (parent === undefined) return true;
    return parent.state.group === group || parent.state.session !== session;
  });
}

/** A process among others: whose child it is, its group and session, whether it runs, is stopped or has ended. */
export class ProcessState {
  readonly children = new Set<LinuxKernel>();
  /** Ids of its process group and session. */
  group: number;
  session: number;
  /** Orphans among its descendants become its children (PR_SET_CHILD_SUBREAPER). */
  isSubreaper = false;
  /** It runs another program than its parent: the parent can no longer put it into another group. */
  hasExeced = false;
  /** The signal that has stopped it; 0 = it is not stopped. */
  stoppedBy = 0;
  /** How it has ended. It is a zombie until somebody has waited for it. */
  ended: ProcessEnd | undefined;
  /** What has happened that nobody has waited for. */
  report: 'stopped' | 'continued' | undefined;
  /** Instructions of children that were waited for. */
  childInstructions = 0;
  /** A child of vfork that has not got memory of its own yet: its parent waits. */
  isBorrowing = false;

  /**
   * @param parent undefined = outside of the machine
   * @param exitSignal sent to the parent at the end; 0 = none
   */
  constructor(
    private readonly process: LinuxKernel,
    public parent: LinuxKernel | undefined,
    public exitSignal: number,
  ) {
    this.group = parent?.state.group ?? process.pid;
    this.session = parent?.state.session ?? process.pid;
    if (parent) {
      parent.state.children.add(process);
      process.system.noteChild();
    } else if (process.system.terminal.exists) {
      process.system.terminal.take(this.session, this.group);
    }
  }

  /** Takes the signal that ends the process now, if there is one; one that stops it does so. */
  takeSignal(thread: Thread): number | undefined {
    const { signals } = this.process;
    if (this.stoppedBy !== 0) return signals.takeKill();
    const fatal = signals.takeFatal(thread);
    if (fatal !== undefined) return fatal;
    const stop = signals.takeStop(thread);
    if (stop !== undefined) this.stop(stop);
    return undefined;
  }

  /** A signal stops the process, unless nobody could continue it. */
  stop(signal: number): void {
    if (this.stoppedBy !== 0 || this.ended !== undefined) return;
    if (signal !== SIGNAL.SIGSTOP && isOrphaned(this.process, this.group)) return;
    this.stoppedBy = signal;
    this.report = 'stopped';
    this.process.host.hold(this.process, true);
    this.tell(CLD.STOPPED, signal);
  }

  /** SIGCONT: a stopped process goes on. */
  continue(): void {
    if (this.stoppedBy === 0) return;
    this.stoppedBy = 0;
    this.report = 'continued';
    this.process.host.hold(this.process, false);
    this.tell(CLD.CONTINUED, SIGNAL.SIGCONT);
  }

  /** The process has a program of its own. */
  hasProgram(): void {
    this.hasExeced = true;
    this.exitSignal = SIGNAL.SIGCHLD;
    this.giveMemoryBack();
  }

  /** A child of vfork no longer uses its parent's memory. */
  giveMemoryBack(): void {
    if (!this.isBorrowing) return;
    this.isBorrowing = false;
    this.parent?.state.wakeThreads();
  }

  /** Lets threads that wait for a child look again. */
  wakeThreads(): void {
    for (const { hart } of this.process.threads.all()) this.process.host.wake(hart);
  }

  /** Somebody has waited for the process's end: nothing of it is left. */
  reap(): void {
    const { process, parent } = this;
    parent?.state.children.delete(process);
    process.system.processes.remove(process);
    process.system.tree.unregister(process.pid);
  }

  /** The parent gets SIGCHLD, and can wait for what has happened. */
  tell(code: number, status: number): void {
    const { parent, process } = this;
    if (parent === undefined) return;
    const { flags } = parent.signals.action(SIGNAL.SIGCHLD);
    const quiet = code >= CLD.STOPPED && (flags & SA.NOCLDSTOP) !== 0n;
    const signal = code >= CLD.STOPPED ? SIGNAL.SIGCHLD : this.exitSignal;
    if (!quiet && signal !== 0) {
      const child = { pid: process.pid, uid: process.user, status };
      parent.signals.send(childInfo(signal, code, child));
    }
    parent.state.wakeThreads();
  }
}
