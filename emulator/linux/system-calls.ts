import type { HartState } from '../engine/hart-state';
import { MappingError, OutOfMemory } from '../memory/errors';
import { ERRNO } from './abi/errno';
import { Call, SyscallError, type SyscallOutcome, type SyscallResult } from './call';
import { toMilliseconds } from './clock';
import type { LinuxKernel } from './kernel';
import type { SignalDelivery } from './signal-delivery';
import { formatCall } from './strace';
import { HANDLERS } from './syscalls/handlers';
import { Wait, type Thread } from './thread';

const DONE: SyscallOutcome = { kind: 'done' };
const A0 = 10;
const A7 = 17;
const ECALL_BYTES = 4;

/**
 * How a process's system calls are answered: a call is begun, performed, and ends, waits or is interrupted by a
 * signal. What each one does is its handler's (`syscalls`).
 */
export class SystemCalls {
  private readonly readClock = (): number => this.kernel.now();

  constructor(
    private readonly kernel: LinuxKernel,
    private readonly delivery: SignalDelivery,
  ) {}

  /** Answers the ecall that the hart stands at. */
  answer(hart: HartState): SyscallOutcome {
    const thread = this.kernel.thread(hart);
    const number = hart.xNumber(A7);
    const call = new Call(this.kernel, hart, thread, number);
    const trace = this.kernel.onTrace && formatCall(call, number);
    if (thread.isWaiting) {
      const interruption = this.kernel.interruption(hart);
      if (interruption !== undefined) return interruption;
    } else this.beginCall(thread, number);
    const result = this.perform(call, number);
    return this.conclude(call, result, trace);
  }

  /** A call that was parked goes on with what it remembers; this one is new. */
  private beginCall(thread: Thread, number: number): void {
    restoreMask(thread);
    thread.wait = new Wait(thread.hart.pc, thread.hart.instret, this.readClock);
    this.kernel.system.calls.count(number);
  }

  private perform(call: Call, number: number): SyscallResult {
    const handler = HANDLERS.get(number);
    if (handler === undefined) {
      this.kernel.system.calls.reportUnknown(number, call.hart.pc);
      return -ERRNO.ENOSYS;
    }
    try {
      return handler(call);
    } catch (error) {
      if (error instanceof SyscallError) return -error.errno;
      if (error instanceof OutOfMemory) return -ERRNO.ENOMEM;
      if (error instanceof MappingError) return -ERRNO.EINVAL;
      throw error;
    }
  }

  private conclude(
    call: Call,
    result: SyscallResult,
    trace: ((outcome: SyscallOutcome) => string) | undefined,
  ): SyscallOutcome {
    const { thread, hart } = call;
    if (typeof result === 'object' && result.kind === 'interrupted') {
      const outcome = this.delivery.interruptCall(thread, result.restarts, () => {
        if (trace) this.kernel.system.trace(this.kernel.pid, trace(DONE));
      });
      if (outcome === undefined) return this.withTimers(result.park);
      thread.wait = undefined;
      return outcome;
    }
    if (typeof result === 'object' && result.kind === 'park') return this.withTimers(result);
    thread.wait = undefined;
    restoreMask(thread);
    if (typeof result !== 'object') setResult(hart, result);
    const outcome = this.unlessKilled(thread, typeof result === 'object' ? result : DONE);
    if (trace) this.kernel.system.trace(this.kernel.pid, trace(outcome));
    return outcome.kind === 'done' ? this.deliverAfter(thread, outcome) : outcome;
  }

  /** A call that is done may have ended the process. */
  private unlessKilled(thread: Thread, outcome: SyscallOutcome): SyscallOutcome {
    const signal = outcome.kind === 'done' ? this.kernel.signals.takeFatal(thread) : undefined;
    return signal === undefined ? outcome : { kind: 'killed', signal };
  }

  /** Signals that came while a call was made, or by it, are delivered behind it. */
  private deliverAfter(thread: Thread, outcome: SyscallOutcome & { kind: 'done' }): SyscallOutcome {
    if (!this.kernel.signals.hasPending(thread)) return outcome;
    if (outcome.pcSet !== true) thread.hart.pc += ECALL_BYTES;
    const begun = this.delivery.deliverAll(thread);
    return typeof begun === 'number' ? { kind: 'done', pcSet: true } : begun;
  }

  /** A hart that waits must look up when a timer expires. */
  private withTimers(park: SyscallOutcome & { kind: 'park' }): SyscallOutcome {
    const { deadline } = this.kernel.timers;
    if (deadline === undefined) return park;
    return { ...park, deadline: Math.min(park.deadline ?? Infinity, toMilliseconds(deadline)) };
  }
}

function setResult(hart: HartState, result: number | bigint): void {
  if (typeof result === 'number') hart.setXNumber(A0, result);
  else hart.setX(A0, BigInt.asUintN(64, result));
}

/** The mask that a call like rt_sigsuspend has lent goes back. */
function restoreMask(thread: Thread): void {
  if (thread.savedMask === undefined) return;
  thread.blocked = thread.savedMask;
  thread.savedMask = undefined;
}
