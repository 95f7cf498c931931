import { ERRNO } from '../linux/abi/errno';
import type { AddressSpace, MergeConflict } from '../memory';
import { ENTRY_FRAME_SHIFT } from '../memory/arena-layout';
import { OutOfMemory } from '../memory/errors';
import { HART, PAGE_SIZE } from '../memory/layout';
import type { ByteConflict, ConflictList, FoundStore } from './conflicts';
import type { Hart, StackRange } from './hart';
import type { Task, Vcpu } from './task';
import { workspaceCall, type Output } from './workspace-calls';

/** Flags of `struct mp_options` that matter here. */
const KEEP_FAILED = 1;
const ALLOW_EFFECTS = 2;
const WITHIN_PROCESS = 4;

const BRK_CALL = 214;
/** Linux's numbers of the calls that its process serves for a workspace: brk, exit and exit_group. */
const HOME_CALLS = new Set([93, 94, BRK_CALL]);
const A0 = 10;
const A7 = 17;

/** What a vCPU is run again from. */
export interface Beginning {
  /** Its hart's context at the start (`HART` in memory/layout.ts). */
  readonly context: Uint8Array;
  /** Its number in the task, and how many there are. */
  readonly id: number;
  readonly vcpus: number;
  /** Instructions that it retired before it ended. */
  readonly instructions: number;
}

/**
 * Finds the last stores of a vCPU to some addresses by running it again; undefined where that cannot be.
 * @param space a fork of what it began with, which is the finder's to write and not to end
 */
export type FindStores = (
  space: AddressSpace,
  beginning: Beginning,
  addresses: readonly number[],
) => ReadonlyMap<number, FoundStore> | undefined;

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
  private readonly conflicts: ByteConflict[] = [];
  private readonly contexts = new Map<Vcpu, Uint8Array>();
  private readonly merged: Vcpu[] = [];
  private readonly snapshot: AddressSpace;
  private readonly outputs = new Map<Vcpu, Printed>();
  private readonly spaces = new Map<Vcpu, AddressSpace>();

  /** @param stack the caller's: what vCPUs write there is not merged */
  constructor(
    private readonly task: Task,
    private readonly flags: number,
    private readonly stack: StackRange,
  ) {
    this.snapshot = task.owner.space.fork();
  }

  /** Keeps a vCPU's space until the join. */
  add(vcpu: Vcpu): void {
    if (!vcpu.hart) return;
    vcpu.hart.space.retain();
    this.spaces.set(vcpu, vcpu.hart.space);
    this.outputs.set(vcpu, new Printed());
    this.contexts.set(vcpu, vcpu.hart.state.bytes(0, HART.size).slice());
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
    // The heap's end cannot move in several workspaces at once: it is told, as Linux tells it when it does not move,
    // and who allocates takes memory by mmap instead. An errno would be taken for a new end.
    if (state.xNumber(A7) === BRK_CALL) state.setXNumber(A0, 0);
    const isAllowed = HOME_CALLS.has(state.xNumber(A7)) || (this.flags & ALLOW_EFFECTS) !== 0;
    return isAllowed ? { kind: 'linux' } : { kind: 'done', value: -ERRNO.EPERM };
  }

  /** Whether a vCPU has written a page, so that it has a frame of its own for it. */
  hasOwn(vcpu: Vcpu, page: number): boolean {
    const entry = this.spaces.get(vcpu)?.entry(page) ?? 0;
    return (entry ^ this.snapshot.entry(page)) >>> ENTRY_FRAME_SHIFT !== 0;
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
   * @param list gets the conflicts
   * @param find tells where the conflicting stores are
   */
  join(
    print: (descriptor: number, bytes: Uint8Array) => void,
    list: ConflictList,
    find: FindStores,
  ): void {
    const { owner, vcpus, id } = this.task;
    for (const vcpu of vcpus) {
      const space = this.spaces.get(vcpu);
      if (!space || !vcpu.hart) continue;
      if (!vcpu.failed || (this.flags & KEEP_FAILED) !== 0) {
        this.merge(owner.space, vcpu, space);
        this.merged.push(vcpu);
      }
      for (const { descriptor, bytes } of this.outputs.get(vcpu)?.parts ?? [])
        print(descriptor, bytes);
    }
    if (this.conflicts.length > 0) {
      list.add(id, owner.index, this.conflicts, this.findStores(find));
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
    const { stack } = this;
    const except = [stack.bottom / PAGE_SIZE, stack.top / PAGE_SIZE] as const;
    const { conflictCount, conflicts } = target.merge(space, this.snapshot, { except });
    if (conflictCount === 0 || !vcpu.status) return;
    const hart = vcpu.mhartid;
    for (const conflict of conflicts) {
      this.conflicts.push({ ...conflict, first: this.writerOf(conflict, vcpu), second: vcpu });
    }
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

  /** The vCPU whose value a byte in conflict has, of those merged before; undefined: the owner wrote it. */
  private writerOf({ address, target }: MergeConflict, before: Vcpu): Vcpu | undefined {
    return this.merged.find(
      (vcpu) => vcpu !== before && this.spaces.get(vcpu)?.readU8(address) === target,
    );
  }

  /** Runs the vCPUs that are in conflict again; those with effects outside might do something else now. */
  private findStores(find: FindStores): Map<Vcpu, ReadonlyMap<number, FoundStore>> {
    const stores = new Map<Vcpu, ReadonlyMap<number, FoundStore>>();
    if ((this.flags & ALLOW_EFFECTS) !== 0) return stores;
    const wanted = new Map<Vcpu, number[]>();
    for (const { address, first, second } of this.conflicts) {
      for (const vcpu of [first, second]) {
        if (vcpu) wanted.set(vcpu, [...(wanted.get(vcpu) ?? []), address]);
      }
    }
    for (const [vcpu, addresses] of wanted) {
      const found = this.runAgain(vcpu, addresses, find);
      if (found) stores.set(vcpu, found);
    }
    return stores;
  }

  private runAgain(
    vcpu: Vcpu,
    addresses: readonly number[],
    find: FindStores,
  ): ReadonlyMap<number, FoundStore> | undefined {
    const context = this.contexts.get(vcpu);
    if (!context || !vcpu.status) return undefined;
    const { instructions } = vcpu.status;
    const vcpus = this.task.vcpus.length;
    let space: AddressSpace;
    try {
      space = this.snapshot.fork();
    } catch (error) {
      if (error instanceof OutOfMemory) return undefined;
      throw error;
    }
    try {
      return find(space, { context, id: vcpu.id, vcpus, instructions }, addresses);
    } finally {
      space.destroy();
    }
  }
}
