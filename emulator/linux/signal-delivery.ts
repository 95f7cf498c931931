import { ERRNO } from './abi/errno';
import { SIGNAL, signalName } from './abi/signals';
import { changeStack } from './alternate-stack';
import { SyscallError, type SyscallOutcome } from './call';
import { describeFault, type FaultReport, type GuestFault } from './faults';
import type { GuestMemory } from './guest-memory';
import { signalBit } from './pending-signals';
import { popFrame, pushFrame } from './signal-frame';
import { faultInfo, kernelInfo, type SignalInfo } from './signal-info';
import { SA, SIG_DFL, UNBLOCKABLE, type SignalAction, type SignalState } from './signal-state';
import { describeSignal } from './signal-text';
import type { Thread } from './thread';

/** What delivery needs of the kernel. */
interface DeliveryHost {
  readonly memory: GuestMemory;
  readonly signals: SignalState;
  /** Address of the code that ends a handler. */
  readonly trampoline: number;
  log(text: string): void;
  /** A line for the trace of system calls. */
  trace(line: string): void;
}

type Delivery = SyscallOutcome & { readonly kind: 'killed' };

const A0 = 10;
const SP = 2;
const ECALL_BYTES = 4;

/** Lets harts run the handlers of signals, and brings them back (arch/riscv/kernel/signal.c). */
export class SignalDelivery {
  constructor(private readonly host: DeliveryHost) {}

  /**
   * Makes the hart run the handlers of everything that is pending and not blocked: the last one first, as each
   * interrupts the one before.
   * @param beforeFirst told about the first one's action before anything is saved
   * @returns how many handlers begin, or how the process ends
   */
  deliverAll(thread: Thread, beforeFirst?: (action: SignalAction) => void): number | Delivery {
    const { signals } = this.host;
    for (let count = 0; ; count++) {
      const fatal = signals.takeFatal(thread);
      if (fatal !== undefined) return { kind: 'killed', signal: fatal };
      const next = signals.takeCaught(thread);
      if (next === undefined) return count;
      if (count === 0) beforeFirst?.(next.action);
      const end = this.begin(thread, next.info, next.action);
      if (end) return end;
    }
  }

  /**
   * A call that waits has seen a signal. It ends with EINTR, or is made again after the handler.
   * @param restarts whether SA_RESTART brings the call back
   * @param onEnd told when the call has ended, before its handler begins
   * @returns undefined when no handler ran: the call waits on
   */
  interruptCall(thread: Thread, restarts: boolean, onEnd: () => void): SyscallOutcome | undefined {
    const { hart } = thread;
    const begun = this.deliverAll(thread, ({ flags }) => {
      if (restarts && (flags & SA.RESTART) !== 0n) return;
      hart.setX(A0, BigInt.asUintN(64, BigInt(-ERRNO.EINTR)));
      onEnd();
      hart.pc += ECALL_BYTES;
    });
    if (typeof begun !== 'number') return begun;
    return begun === 0 ? undefined : { kind: 'done', pcSet: true };
  }

  /** The signal of a fault of the thread's own code: its handler runs, unless that cannot be. */
  deliverFault(thread: Thread, fault: GuestFault): 'handled' | FaultReport {
    const report = describeFault(fault);
    const { signal } = report;
    const action = this.host.signals.action(signal);
    if (report.code === undefined || !this.canCatch(thread, signal)) return report;
    // A handler that is to run once is gone afterwards.
    const once = (action.flags & SA.RESETHAND) !== 0n;
    if (once) this.host.signals.setAction(signal, { ...action, handler: SIG_DFL });
    // Linux tells the address of an access only with SIGSEGV.
    const address = signal === SIGNAL.SIGSEGV ? (report.address ?? fault.pc) : fault.pc;
    const info = faultInfo(signal, report.code, address);
    return this.begin(thread, info, action) ? report : 'handled';
  }

  /** rt_sigreturn: goes on with what the frame at the stack pointer says. */
  return(thread: Thread): SyscallOutcome {
    const { hart } = thread;
    const sp = hart.x(SP);
    try {
      const saved = popFrame(this.host.memory, hart);
      if (saved !== undefined) {
        thread.blocked = saved.mask & ~UNBLOCKABLE;
        // A stack that cannot be is left out without a word.
        const stack = changeStack(thread.alternateStack, saved.stack, hart.x(SP));
        if (typeof stack === 'object') thread.alternateStack = stack;
        return { kind: 'done', pcSet: true };
      }
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
    }
    this.host.log(`rt_sigreturn finds no signal frame at 0x${sp.toString(16)}: SIGSEGV`);
    return this.force(thread, SIGNAL.SIGSEGV) ?? { kind: 'done', pcSet: true };
  }

  /** Blocked and ignored signals of faults end the process (force_sig). */
  private canCatch(thread: Thread, signal: number): boolean {
    return this.host.signals.isCaught(signal) && (thread.blocked & signalBit(signal)) === 0n;
  }

  private force(thread: Thread, signal: number): Delivery | undefined {
    if (!this.canCatch(thread, signal)) return { kind: 'killed', signal };
    return this.begin(thread, kernelInfo(signal), this.host.signals.action(signal));
  }

  /** Sets the hart up for one handler. Without room for its frame it is SIGSEGV's turn (force_sigsegv). */
  private begin(thread: Thread, info: SignalInfo, action: SignalAction): Delivery | undefined {
    const { hart } = thread;
    const { memory, trampoline } = this.host;
    const { signal } = info;
    this.host.trace(`--- ${describeSignal(info)} ---`);
    const mask = thread.savedMask ?? thread.blocked;
    if (!pushed(() => pushFrame(memory, thread, { info, action }, { mask, trampoline }))) {
      const sp = `0x${hart.x(SP).toString(16)}`;
      this.host.log(`no room for the frame of ${signalName(signal)} at ${sp}: SIGSEGV`);
      if (signal === SIGNAL.SIGSEGV) return { kind: 'killed', signal };
      return this.force(thread, SIGNAL.SIGSEGV);
    }
    memory.note('signal', signal, action.handler, 0);
    thread.savedMask = undefined;
    const own = (action.flags & SA.NODEFER) === 0n ? signalBit(signal) : 0n;
    thread.blocked |= (action.mask | own) & ~UNBLOCKABLE;
    return undefined;
  }
}

function pushed(push: () => boolean): boolean {
  try {
    return push();
  } catch (error) {
    if (error instanceof SyscallError) return false;
    throw error;
  }
}
