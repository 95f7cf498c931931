import { ERRNO } from '../linux/abi/errno';
import type { AddressSpace, MergeConflict } from '../memory';
import { PAGE_SIZE } from '../memory/layout';
import type { Hart } from './hart';
import type { Task, Vcpu } from './task';
import { workspaceCall, type Output } from './workspace-calls';

/** Flags of `struct mp_options` that matter here. */
const KEEP_FAILED = 1;
const ALLOW_EFFECTS = 2;
const WITHIN_PROCESS = 4;

/** Linux's numbers of the calls that end a vCPU. */
const EXIT_CALLS = new Set([93, 94]);
const A7 = 17;

/** A conflict of a join, with the hart that came second. */
export interface TaskConflict extends MergeConflict {
  readonly hart: number;
}

/** What a call inside a workspace came to: a result, or that Linux may do it. */
export type WorkspaceAnswer =
  { readonly kind: 'done'; readonly value: number } | { readonly kind: 'linux' };

/** What one vCPU has printed until the join. */
class Printed {
  readonly parts: Output[] = [];
  bytes = 0;

  add(output: readonly Output[]): void {
    this.parts.push(...output);
    for (const { bytes } of output) this.bytes += bytes.length;
  }
}

/**
 * The workspaces of a task: forks whose writes stay private until the join merges them in hart order, so
 * that the result does not depend on the schedule (Determinator, OSDI 2010). What a vCPU prints comes out
 * at the join as well; its time is virtual; other effects outside are refused.
 */
export class Workspaces {
  readonly conflicts: TaskConflict[] = [];
  private readonly snapshot: AddressSpace;
  private readonly outputs = new Map<Vcpu, Printed>();
  private readonly spaces = new Map<Vcpu, AddressSpace>();

  constructor(
    private readonly task: Task,
    private readonly flags: number,
  ) {
    this.snapshot = task.owner.space.fork();
  }

  /** Keeps a vCPU's space until the join. */
  add(vcpu: Vcpu): void {
    if (!vcpu.hart) return;
    vcpu.hart.space.retain();
    this.spaces.set(vcpu, vcpu.hart.space);
    this.outputs.set(vcpu, new Printed());
  }

  /**
   * Whether the vCPUs may run in other processes: unless the task says otherwise, or may have effects outside, which
   * need the kernel at each call.
   */
  get mayTravel(): boolean {
    return (this.flags & (ALLOW_EFFECTS | WITHIN_PROCESS)) === 0;
  }

  /** Answers a system call of a vCPU that is not one of multiprocess. */
  syscall({ state, space }: Hart, vcpu: Vcpu): WorkspaceAnswer {
    const printed = this.printed(vcpu);
    const { id, task } = vcpu;
    const vcpus = task.vcpus.length;
    const outcome = workspaceCall({ state, space, memory: space, id, vcpus, printed });
    if (outcome.kind === 'done') {
      this.print(vcpu, outcome.output);
      return { kind: 'done', value: outcome.value };
    }
    const isAllowed = EXIT_CALLS.has(state.xNumber(A7)) || (this.flags & ALLOW_EFFECTS) !== 0;
    return isAllowed ? { kind: 'linux' } : { kind: 'done', value: -ERRNO.EPERM };
  }

  /** Bytes that a vCPU has printed so far. */
  printed(vcpu: Vcpu): number {
    return this.outputs.get(vcpu)?.bytes ?? 0;
  }

  /** Keeps what a vCPU has printed until the join. */
  print(vcpu: Vcpu, output: readonly Output[]): void {
    this.outputs.get(vcpu)?.add(output);
  }

  /**
   * Merges what the vCPUs have done into the owner's memory, in hart order, and ends the workspaces. One
   * that lost a conflict has the status `conflict`; of one that failed nothing is merged unless the task
   * says so.
   * @param print is given what the vCPUs have printed
   */
  join(print: (descriptor: number, bytes: Uint8Array) => void): void {
    const { owner, vcpus } = this.task;
    for (const vcpu of vcpus) {
      const space = this.spaces.get(vcpu);
      if (!space || !vcpu.hart) continue;
      if (!vcpu.failed || (this.flags & KEEP_FAILED) !== 0) this.merge(owner.space, vcpu, space);
      for (const { descriptor, bytes } of this.outputs.get(vcpu)?.parts ?? [])
        print(descriptor, bytes);
    }
    this.drop();
  }

  /** Ends the workspaces; what was not merged is lost. */
  drop(): void {
    for (const space of this.spaces.values()) space.destroy();
    this.spaces.clear();
    this.snapshot.destroy();
  }

  private merge(target: AddressSpace, vcpu: Vcpu, space: AddressSpace): void {
    const { stack } = this.task.owner;
    const except = [stack.bottom / PAGE_SIZE, stack.top / PAGE_SIZE] as const;
    const { conflictCount, conflicts } = target.merge(space, this.snapshot, { except });
    if (conflictCount === 0 || !vcpu.status) return;
    const hart = vcpu.mhartid;
    this.conflicts.push(...conflicts.map((conflict) => ({ ...conflict, hart })));
    const { events } = target.arena;
    for (const { address } of conflicts) {
      events.emit(
        this.task.owner.index,
        'conflict',
        Math.floor(address / PAGE_SIZE),
        address,
        hart,
      );
    }
    vcpu.status = { ...vcpu.status, reason: 'conflict', address: conflicts[0]?.address ?? 0 };
  }
}
