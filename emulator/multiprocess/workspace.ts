import { ERRNO } from '../linux/abi/errno';
import { READ, WRITE, type AddressSpace, type MergeConflict } from '../memory';
import { ADDRESS_LIMIT, PAGE_SIZE } from '../memory/layout';
import type { Hart } from './hart';
import type { Task, Vcpu } from './task';

/** Flags of `struct mp_options` that matter here. */
const KEEP_FAILED = 1;
const ALLOW_EFFECTS = 2;

/** Linux's numbers of the calls that a workspace serves itself. */
const WRITE_CALL = 64;
const WRITEV_CALL = 66;
const EXIT_CALL = 93;
const EXIT_GROUP_CALL = 94;
const CLOCK_GETTIME_CALL = 113;
const MUNMAP_CALL = 215;
const MMAP_CALL = 222;

const A0 = 10;
const A7 = 17;
/** Virtual time: one instruction takes a nanosecond. */
const NANOSECONDS = 1_000_000_000;
const MAP_ANONYMOUS = 0x20;
/** Where workspaces map memory: each vCPU has a window of its own here, so that mappings never meet. */
const WINDOWS_START = 0x6000_0000;
const WINDOWS_END = 0xe000_0000;
const MAX_WRITE = 1 << 20;
const MAX_PARTS = 1024;

/** A conflict of a join, with the hart that came second. */
export interface TaskConflict extends MergeConflict {
  readonly hart: number;
}

/** What one vCPU wanted printed. */
interface Output {
  readonly descriptor: number;
  readonly bytes: Uint8Array;
}

/** What a call inside a workspace came to: a result, or that Linux may do it. */
export type WorkspaceOutcome =
  { readonly kind: 'done'; readonly value: number } | { readonly kind: 'linux' };

/**
 * The workspaces of a task: forks whose writes stay private until the join merges them in hart order, so
 * that the result does not depend on the schedule (Determinator, OSDI 2010). What a vCPU prints comes out
 * at the join as well; its time is virtual; other effects outside are refused.
 */
export class Workspaces {
  readonly conflicts: TaskConflict[] = [];
  private readonly snapshot: AddressSpace;
  private readonly outputs = new Map<Vcpu, Output[]>();
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
    this.outputs.set(vcpu, []);
  }

  /** Answers a system call of a vCPU that is not one of multiprocess. */
  syscall(hart: Hart, vcpu: Vcpu): WorkspaceOutcome {
    const { state } = hart;
    switch (state.xNumber(A7)) {
      case WRITE_CALL: {
        const part = { at: state.xNumber(A0 + 1), length: state.xNumber(A0 + 2) };
        return done(this.write(hart, vcpu, [part]));
      }
      case WRITEV_CALL:
        return done(this.writev(hart, vcpu));
      case CLOCK_GETTIME_CALL:
        return done(this.clock(hart));
      case MMAP_CALL:
        return done(this.map(hart, vcpu));
      case MUNMAP_CALL: {
        const [start, length] = [state.xNumber(A0), state.xNumber(A0 + 1)];
        if (!isRange(start, length)) return done(-ERRNO.EINVAL);
        hart.space.unmap(start, Math.ceil(length / PAGE_SIZE) * PAGE_SIZE);
        return done(0);
      }
      case EXIT_CALL:
      case EXIT_GROUP_CALL:
        return { kind: 'linux' };
      default:
        return (this.flags & ALLOW_EFFECTS) !== 0 ? { kind: 'linux' } : done(-ERRNO.EPERM);
    }
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
      for (const { descriptor, bytes } of this.outputs.get(vcpu) ?? []) print(descriptor, bytes);
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
    vcpu.status = { ...vcpu.status, reason: 'conflict', address: conflicts[0]?.address ?? 0 };
  }

  private write(
    { state, space }: Hart,
    vcpu: Vcpu,
    parts: readonly { readonly at: number; readonly length: number }[],
  ): number {
    const descriptor = state.xInt(A0);
    if (descriptor !== 1 && descriptor !== 2) return -ERRNO.EPERM;
    let total = 0;
    for (const { at, length } of parts) {
      const bytes = space.read(at, Math.min(length, MAX_WRITE));
      if (bytes.length === 0 && length > 0) return total > 0 ? total : -ERRNO.EFAULT;
      this.outputs.get(vcpu)?.push({ descriptor, bytes });
      total += bytes.length;
    }
    return total;
  }

  private writev(hart: Hart, vcpu: Vcpu): number {
    const [vector, count] = [hart.state.xNumber(A0 + 1), hart.state.xNumber(A0 + 2)];
    if (count > MAX_PARTS) return -ERRNO.EINVAL;
    const parts = [];
    for (let i = 0; i < count; i++) {
      const at = hart.space.readNumber64(vector + 16 * i);
      const length = hart.space.readNumber64(vector + 16 * i + 8);
      if (at === undefined || length === undefined) return -ERRNO.EFAULT;
      parts.push({ at, length });
    }
    return this.write(hart, vcpu, parts);
  }

  private clock({ state, space }: Hart): number {
    const at = state.xNumber(A0 + 1);
    const time = state.instret;
    const written =
      space.writeU64(at, Math.floor(time / NANOSECONDS)) &&
      space.writeU64(at + 8, time % NANOSECONDS);
    return written ? 0 : -ERRNO.EFAULT;
  }

  /** Anonymous memory in the vCPU's window; hints and files are not taken. */
  private map({ state, space }: Hart, vcpu: Vcpu): number {
    const length = Math.ceil(state.xNumber(A0 + 1) / PAGE_SIZE) * PAGE_SIZE;
    if ((state.xInt(A0 + 3) & MAP_ANONYMOUS) === 0) return -ERRNO.EPERM;
    if (!(length > 0 && length < ADDRESS_LIMIT)) return -ERRNO.EINVAL;
    const size =
      Math.floor((WINDOWS_END - WINDOWS_START) / this.task.vcpus.length / PAGE_SIZE) * PAGE_SIZE;
    const start = WINDOWS_START + (vcpu.id - 1) * size;
    const place = space.findGap(length, start, start + size);
    if (place === 0) return -ERRNO.ENOMEM;
    space.map(place, length, READ | WRITE);
    return place;
  }
}

function isRange(start: number, length: number): boolean {
  return start % PAGE_SIZE === 0 && start > 0 && length > 0 && start + length <= ADDRESS_LIMIT;
}

function done(value: number): WorkspaceOutcome {
  return { kind: 'done', value };
}
