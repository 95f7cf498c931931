import type { HartState } from './engine/hart-state';
import type { Engines } from './engines';
import { GuestProcess } from './guest-process';
import type { Harts } from './harts';
import type { LinuxKernel } from './linux/kernel';
import type { ProcessHost, ThreadStack } from './linux/process-host';
import type { AddressSpace } from './memory/address-space';
import type { Hart } from './multiprocess/hart';
import { copyRegisters } from './multiprocess/start';

/** What processes need of the executor. */
interface ProcessesHost {
  readonly harts: Harts;
  readonly engines: Engines;
  /** Ends the vCPUs of a process. */
  endTasks(process: GuestProcess): void;
  /** A process runs another program from now on. */
  programBegun(process: GuestProcess): void;
  /** A process has mapped a file with code. */
  libraryMapped(process: GuestProcess): void;
}

/**
 * The Linux processes of a machine and their threads, as harts: threads in their process's address space, a child
 * process in a fork of its parent's. They take turns on the home thread.
 */
export class GuestProcesses implements ProcessHost {
  private readonly byId = new Map<number, GuestProcess>();
  /** The one that was asked for last. */
  private recent: GuestProcess | undefined;

  constructor(
    private readonly host: ProcessesHost,
    /** The first process, with whose end the machine's status is known. */
    readonly leader: GuestProcess,
  ) {
    this.add(leader);
  }

  /** Those that have not ended, in the order of their making. */
  list(): readonly GuestProcess[] {
    return [...this.byId.values()];
  }

  of(hart: Hart): GuestProcess {
    const { recent } = this;
    if (recent !== undefined && recent === hart.owner) return recent;
    const process = this.byId.get(hart.owner.pid) ?? this.leader;
    if (process !== hart.owner) throw new Error(`hart ${hart.index} has lost its process`);
    this.recent = process;
    return process;
  }

  /** A process has ended: its harts go. The leader's first one stays, for whoever looks at it. */
  end(process: GuestProcess): void {
    const { harts } = this.host;
    this.byId.delete(process.pid);
    this.recent = undefined;
    for (const hart of this.hartsOf(process)) {
      hart.ended = true;
      if (hart !== this.leader.main) harts.remove(hart);
    }
    harts.noteCall();
  }

  create(
    caller: HartState,
    tid: number,
    stack: () => ThreadStack | undefined,
  ): HartState | undefined {
    const parent = this.hartOf(caller);
    if (!parent) return undefined;
    const { owner, space } = parent;
    const hart = this.host.harts.create(space, () => stack() ?? parent.stack, owner);
    if (!hart) return undefined;
    hart.tid = tid;
    copyRegisters(parent, hart);
    hart.space.arena.events.emit(hart.index, 'start', 0, parent.index, 0);
    return hart.state;
  }

  fork(caller: HartState, kernel: LinuxKernel): HartState | undefined {
    const parent = this.hartOf(caller);
    if (!parent) return undefined;
    const { harts, engines } = this.host;
    const process = new GuestProcess(kernel);
    const { space } = process;
    const { bottom, top } = parent.stack;
    const hart = harts.create(space, () => ({ bottom, top }), process);
    if (!hart) return undefined;
    process.main = hart;
    this.add(process);
    // What can change without a call could change in one of the two only.
    if (space !== parent.space && !kernel.processMemory.writableCode) {
      engines.share(parent.owner.space, space);
    }
    copyRegisters(parent, hart);
    hart.space.arena.events.emit(hart.index, 'start', 0, parent.index, 0);
    return hart.state;
  }

  replace(kernel: LinuxKernel, space: AddressSpace): HartState {
    const process = this.byId.get(kernel.pid);
    if (!process) throw new Error(`process ${kernel.pid} has ended: it runs no other program`);
    const { harts } = this.host;
    const { main } = process;
    this.host.endTasks(process);
    for (const hart of this.hartsOf(process)) {
      if (hart === main) continue;
      hart.ended = true;
      harts.remove(hart);
    }
    main.waiting = undefined;
    main.failures = 0n;
    process.space = space;
    harts.move(main, space, () => kernel.processMemory.start?.stack ?? { bottom: 0, top: 0 });
    return main.state;
  }

  hold(kernel: LinuxKernel, isHeld: boolean): void {
    const process = this.byId.get(kernel.pid);
    if (!process) return;
    for (const hart of this.hartsOf(process)) {
      hart.stopped = isHeld;
      if (!isHeld && !hart.waiting?.ready) hart.waiting = undefined;
    }
  }

  codeMapped({ space }: LinuxKernel): void {
    this.host.engines.separate(space);
  }

  wake(state: HartState): void {
    const hart = this.hartOf(state);
    if (hart && !hart.waiting?.ready) hart.waiting = undefined;
  }

  yield(state: HartState): void {
    const hart = this.hartOf(state);
    if (hart) hart.turn = 0;
  }

  private add(process: GuestProcess): void {
    this.byId.set(process.pid, process);
    const { engines } = this.host;
    process.kernel.onFlushInstructions = () =>
      engines.of(process.space).flushInstructions(process.space);
    process.kernel.onProgram = () => this.host.programBegun(process);
    process.kernel.onLibrary = () => this.host.libraryMapped(process);
  }

  private hartsOf(process: GuestProcess): Hart[] {
    return this.host.harts.list().filter(({ owner }) => owner === process);
  }

  private hartOf(state: HartState): Hart | undefined {
    return this.host.harts.list().find((hart) => hart.state === state);
  }
}
