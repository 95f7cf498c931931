import { ERRNO } from '../linux/abi/errno';
import {
  MAX_VCPUS,
  MULTIPROCESS_CALLS,
  readOptions,
  REASONS,
  STATUS_BYTES,
  statusBytes,
  type Options,
  type Reason,
} from './abi';
import { HART, PAGE_SIZE } from '../memory/layout';
import { ConflictList } from './conflicts';
import type { Hart, HartOwner, StackRange, Waiting } from './hart';
import { placeStack, startVcpu, type VcpuHost } from './start';
import { Task, type Vcpu } from './task';
import { Workspaces, type FindStores } from './workspace';

/** What a multiprocess call came to. */
export type TaskOutcome =
  /** a0 is this; the hart goes on behind its ecall. */
  | { readonly kind: 'done'; readonly value: bigint }
  | { readonly kind: 'wait'; readonly waiting: Waiting }
  /** The vCPU has come to the end of its work. */
  | { readonly kind: 'end' };

/** What tasks need of the machine. */
export interface TaskHost extends VcpuHost {
  /** Whether no other hart runs in the hart's space. */
  isAlone(hart: Hart): boolean;
  /** Gives back what a vCPU used. */
  endHart(hart: Hart): void;
  /** Prints what a workspace has kept back: descriptor 1 or 2. */
  print(descriptor: number, bytes: Uint8Array): void;
  /** Runs a vCPU of a workspace again; `owner` waits for its task. */
  findStores(owner: Hart, ...run: Parameters<FindStores>): ReturnType<FindStores>;
}

/** How a vCPU has come to its end. */
export interface VcpuEnd {
  readonly reason: Reason;
  readonly address?: number;
  readonly exitCode?: number;
  /** More about it, for people. */
  readonly note?: string;
}

const A0 = 10;
const A7 = 17;

/**
 * All `multiprocess` tasks of a machine, and the system calls that make and join them
 * (docs/multiprocess.md).
 */
export class Tasks {
  /** Told about each vCPU that has ended. */
  onEnd: (vcpu: Vcpu) => void = () => undefined;
  /** Bytes that workspaces have written differently. */
  readonly conflicts = new ConflictList();
  private readonly tasks = new Map<number, Task>();
  private nextId = 1;

  /** @param vcpuLimit instructions that a vCPU of the plain calls may retire; 0 = as many as it wants */
  constructor(
    private readonly host: TaskHost,
    private readonly vcpuLimit = 0,
  ) {}

  /** Tasks that somebody may still join, in the order of their start. */
  list(): readonly Task[] {
    return [...this.tasks.values()];
  }

  /** Answers the ecall that a hart stands at when it is one of ours; undefined: it is Linux's. */
  syscall(hart: Hart): TaskOutcome | undefined {
    switch (hart.state.xNumber(A7)) {
      case MULTIPROCESS_CALLS.multiprocess:
        return this.multiprocess(hart);
      case MULTIPROCESS_CALLS.multiprocess_wait:
        return this.multiprocessWait(hart);
      case MULTIPROCESS_CALLS.multiprocess_start:
        return this.start(hart);
      case MULTIPROCESS_CALLS.multiprocess_join:
        return this.join(hart);
      case MULTIPROCESS_CALLS.multiprocess_poll:
        return done(this.poll(hart));
      default:
        return undefined;
    }
  }

  /** A vCPU has ended: notes how, and gives back what it used. */
  end(vcpu: Vcpu, end: VcpuEnd): void {
    const { hart } = vcpu;
    if (!hart || vcpu.status) return;
    const { instret } = hart.state;
    const pc = hart.state.addressField(HART.pc);
    const { reason, address = 0, exitCode = 0, note } = end;
    const status = { reason, pc, address, exitCode, instructions: instret };
    vcpu.status = note === undefined ? status : { ...status, note };
    vcpu.task.active -= 1;
    hart.ended = true;
    emit(hart, 'end', vcpu.task.id, REASONS.indexOf(reason) + 1, exitCode);
    this.onEnd(vcpu);
    this.host.endHart(hart);
    this.settle(vcpu.task);
  }

  /** A process ends: so do all its vCPUs. */
  endAll(process: HartOwner): void {
    for (const task of this.list()) {
      if (task.owner.owner !== process) continue;
      for (const vcpu of task.vcpus) this.end(vcpu, { reason: 'killed' });
      this.forget(task);
    }
  }

  /** Call 110: always 0 on the caller; on its own stack the caller waits at once. */
  private multiprocess(hart: Hart): TaskOutcome {
    const vcpus = hart.state.xNumber(A0);
    const stackBase = hart.state.xNumber(A0 + 1);
    const task = this.create(hart, true, {
      mode: stackBase === 0 ? 'fork-here' : 'fork',
      vcpus: Math.min(vcpus, MAX_VCPUS),
      stackBase,
      stackSize: hart.state.xNumber(A0 + 2),
      function: 0,
      data: 0n,
      limit: this.vcpuLimit,
      flags: 0,
    });
    // Those beyond what there can be have not started, which is a failure of a high id.
    if (vcpus > MAX_VCPUS) hart.failures |= 1n << 62n;
    return task.mode === 'fork-here' ? waitFor(task, 0n) : done(0n);
  }

  /** Call 111: on a vCPU its end; else waits for all tasks of call 110 that this hart has made. */
  private multiprocessWait(hart: Hart): TaskOutcome {
    if (hart.vcpu) return { kind: 'end' };
    const mine: Task[] = [];
    for (const task of this.tasks.values()) if (task.plain && task.owner === hart) mine.push(task);
    if (mine.length === 0) return done(takeFailures(hart));
    const ready = (): bigint | undefined => {
      if (mine.some((task) => task.active > 0)) return undefined;
      noteJoin(hart, mine);
      return takeFailures(hart);
    };
    return waitOrDone(ready, 'its tasks');
  }

  private start(hart: Hart): TaskOutcome {
    const options = readOptions(hart.space, hart.state.xNumber(A0));
    if (typeof options === 'number') return done(BigInt(-options));
    const task = this.create(hart, false, options);
    // On the caller's own stack the caller may not go on while vCPUs rely on it.
    const id = BigInt(task.id);
    return task.mode === 'fork-here' ? waitFor(task, id) : done(id);
  }

  /** Call 2001: a0 = task id or −1 for all of the caller's, a1 = array of statuses or 0, a2 = its length. */
  private join(hart: Hart): TaskOutcome {
    const id = hart.state.xInt(A0);
    const statuses = hart.state.xNumber(A0 + 1);
    const length = hart.state.xNumber(A0 + 2);
    const tasks =
      id === -1 ? this.list().filter((task) => task.owner === hart) : [this.owned(hart, id)];
    if (tasks.includes(undefined)) return done(BigInt(-ERRNO.ECHILD));
    const mine = tasks as Task[];
    const ready = (): bigint | undefined => {
      if (mine.some((task) => task.active > 0)) return undefined;
      for (const task of mine) this.merge(task);
      const result = this.tell(hart, mine, statuses, length);
      if (result < 0n) return result;
      noteJoin(hart, mine);
      for (const task of mine) this.forget(task);
      return result;
    };
    return waitOrDone(ready, id === -1 ? 'its tasks' : `task ${id}`);
  }

  /** Writes the statuses where the guest wants them; how many vCPUs failed, or −errno. */
  private tell(hart: Hart, tasks: readonly Task[], statuses: number, length: number): bigint {
    if (statuses !== 0 && length > 0) {
      const size = hart.space.readNumber64(statuses);
      if (size === undefined) return BigInt(-ERRNO.EFAULT);
      if (size !== STATUS_BYTES) return BigInt(-ERRNO.EINVAL);
      const bytes = statusBytes(tasks.flatMap((task) => task.vcpus).slice(0, length));
      if (hart.space.write(statuses, bytes) < bytes.length) return BigInt(-ERRNO.EFAULT);
    }
    return BigInt(tasks.reduce((count, task) => count + task.failures, 0));
  }

  /** Call 2002: how many vCPUs of a task have not ended. */
  private poll(hart: Hart): bigint {
    const task = this.owned(hart, hart.state.xInt(A0));
    return task ? BigInt(task.active) : BigInt(-ERRNO.ECHILD);
  }

  private owned(hart: Hart, id: number): Task | undefined {
    const task = this.tasks.get(id);
    return task?.owner === hart ? task : undefined;
  }

  private create(owner: Hart, plain: boolean, options: Options): Task {
    const task = new Task(this.nextId++, options.mode, owner, plain);
    this.tasks.set(task.id, task);
    // Its vCPUs live here, and their memory depends on the owner's.
    owner.within = true;
    const stack = stackOf(options) ?? owner.stack;
    const privateStack =
      options.mode === 'call' ? placeStack(owner.space, options.stackSize) : undefined;
    const alone = this.host.isAlone(owner);
    if (options.mode === 'workspace') {
      task.workspaces = new Workspaces(task, options.flags, stack);
    }
    const first = owner.space.arena.allocateHarts(options.vcpus);
    for (let id = 1; id <= options.vcpus; id++) {
      const index = first < 0 ? undefined : first + id - 1;
      const vcpu = startVcpu(this.host, { task, id, options, index, stack, alone, privateStack });
      task.vcpus.push(vcpu);
      if (!vcpu.status) task.active += 1;
      if (vcpu.hart) emit(vcpu.hart, 'start', task.id, owner.index, id);
      task.workspaces?.add(vcpu);
    }
    this.settle(task);
    return task;
  }

  /**
   * When the last vCPU has ended: of a plain task only the failures are kept; a task that nobody can
   * join any more is forgotten.
   */
  private settle(task: Task): void {
    if (task.active > 0) return;
    if (task.plain && task.hasFailures) task.owner.failures |= task.failureBits;
    if (task.plain || task.owner.ended) this.forget(task);
  }

  /** Brings a workspace task's results into its owner's memory, once. */
  private merge(task: Task): void {
    task.workspaces?.join(
      (descriptor, bytes) => this.host.print(descriptor, bytes),
      this.conflicts,
      (...run) => this.host.findStores(task.owner, ...run),
    );
    task.workspaces = undefined;
  }

  private forget(task: Task): void {
    task.workspaces?.drop();
    task.workspaces = undefined;
    this.tasks.delete(task.id);
  }
}

/** The caller's stack, when the guest says where it lies. */
function stackOf({ mode, stackBase, stackSize }: Options): StackRange | undefined {
  if ((mode !== 'fork-here' && mode !== 'workspace') || stackBase === 0) return undefined;
  const bottom = Math.floor(stackBase / PAGE_SIZE) * PAGE_SIZE;
  return { bottom, top: Math.ceil((stackBase + stackSize) / PAGE_SIZE) * PAGE_SIZE };
}

function emit(
  { space, index }: Hart,
  kind: 'start' | 'end' | 'join',
  task: number,
  from: number,
  to: number,
): void {
  space.arena.events.emit(index, kind, task, from, to);
}

/** A hart has waited for these tasks and is told. */
function noteJoin(hart: Hart, tasks: readonly Task[]): void {
  const vcpus = tasks.reduce((count, task) => count + task.vcpus.length, 0);
  const failures = tasks.reduce((count, task) => count + task.failures, 0);
  emit(hart, 'join', tasks.length === 1 ? tasks[0].id : 0, vcpus, failures);
}

function done(value: bigint): TaskOutcome {
  return { kind: 'done', value };
}

/** A hart waits for the last vCPU of one task. */
class WaitForTask implements Waiting {
  constructor(
    private readonly task: Task,
    private readonly value: bigint,
  ) {}

  get reason(): string {
    return `task ${this.task.id}`;
  }

  ready(): bigint | undefined {
    return this.task.active === 0 ? this.value : undefined;
  }
}

function waitFor(task: Task, value: bigint): TaskOutcome {
  return task.active === 0 ? done(value) : { kind: 'wait', waiting: new WaitForTask(task, value) };
}

/** Which vCPUs failed since this was last asked. */
function takeFailures(hart: Hart): bigint {
  const bits = hart.failures;
  hart.failures = 0n;
  return bits;
}

function waitOrDone(ready: () => bigint | undefined, reason: string): TaskOutcome {
  const value = ready();
  return value === undefined ? { kind: 'wait', waiting: { reason, ready } } : done(value);
}
