import type { SymbolTable } from '../elf/symbols';
import { positiveAddress } from '../memory/faults';
import type { Vcpu } from '../multiprocess/task';
import { locate } from './location';
import type { EndedVcpu } from './protocol';
import type { DebugTarget } from './target';

/** How many are told of; of more, the newest. */
const MOST = 1024;

/** vCPUs that have ended: those that nobody has joined yet, and those that ended in the present run. */
export class EndedVcpus {
  private target: DebugTarget | undefined;
  /** Ended since the last run began. */
  private recent: Vcpu[] = [];

  attach(target: DebugTarget): void {
    this.target = target;
    this.recent = [];
    target.tasks.onEnd = (vcpu) => {
      this.recent.push(vcpu);
      // Now and then, so that a guest that makes tasks in a loop pays little for it.
      if (this.recent.length >= 2 * MOST) this.recent = this.recent.slice(-MOST);
    };
  }

  /** A run begins: what has been joined is of no interest any more. */
  forgetJoined(): void {
    this.recent = [];
  }

  /** In order of task and vCPU. */
  list(): EndedVcpu[] {
    const { target, recent } = this;
    if (!target) return [];
    const all = new Set(recent);
    for (const task of target.tasks.list()) for (const vcpu of task.vcpus) all.add(vcpu);
    return [...all]
      .sort((a, b) => a.task.id - b.task.id || a.id - b.id)
      .slice(-MOST)
      .flatMap((vcpu) => describe(target.symbols, vcpu));
  }
}

function describe(symbols: SymbolTable, vcpu: Vcpu): EndedVcpu[] {
  const { status, task } = vcpu;
  if (!status) return [];
  const { reason, pc, address, instructions, note } = status;
  return [
    {
      hart: vcpu.mhartid,
      task: { id: task.id, mode: task.mode, vcpu: vcpu.id },
      reason,
      failed: vcpu.failed,
      location: locate(symbols, positiveAddress(pc)),
      instructions,
      ...(reason === 'fault' && { address: positiveAddress(address) }),
      ...(note !== undefined && { note }),
    },
  ];
}
