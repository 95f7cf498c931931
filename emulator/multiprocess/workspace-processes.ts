import type { AddressSpace } from '../memory/address-space';
import { OutOfMemory } from '../memory/errors';
import { applyChanges, layoutOf, layoutSince } from '../memory/travel';
import type { EngineStop } from '../engine/engine';
import { addStatistics, NO_STATISTICS, type EngineStatistics } from '../engine/statistics';
import type { Hart } from './hart';
import { takeContext } from './hart-context';
import { PageHistory } from './page-history';
import { hasStop, isRefusal, readStop } from './stop-code';
import { recordEvents, unseen } from './workspace-events';
import { OwnerConnection, type WorkspaceHost, type FromOwner } from './workspace-host';
import {
  checkedFromProcess,
  type BackMessage,
  type FromProcess,
  type MachineTraits,
} from './workspace-messages';
import {
  isAbout,
  Snapshot,
  WorkspaceProcess,
  type ProcessContext,
  type Stay,
  type Traffic,
} from './workspace-process';

/** While others wait, a vCPU runs this long before it is another one's turn. */
const TURN_MS = 500;
/** A process that is called must answer within this time, one that is started come up within that. */
const ANSWER_MS = 5000;
const START_MS = 20_000;
/** After so many processes in a row that did not come up, there are none. */
const MOST_FAILURES = 3;
const POLL_MS = 5;
/**
 * Memories of processes are kept while no more of the machine's frames than this part are in use: there is room for both
 * if all pages change.
 */
const MOST_KEPT = 1 / 2;

/** A vCPU that is back, and why; or that is lost, and how. */
export type Arrival =
  | { readonly hart: Hart; readonly stop: EngineStop; readonly lost?: undefined }
  | { readonly hart: Hart; readonly lost: string };

/**
 * The workspace vCPUs of a machine that run in processes of their own. Such a vCPU shares nothing with anybody until
 * its task is joined: its memory goes there page by page as it needs it, and what it has changed comes back at its
 * end. It comes home, to the thread that has the kernel, for what it cannot do by itself, and when the machine stops.
 */
export class WorkspaceProcesses {
  readonly traffic: Traffic = { sent: 0, asked: 0, returned: 0, messages: 0 };
  private context: ProcessContext | undefined;
  private readonly processes = new Map<number, WorkspaceProcess>();
  private readonly away = new Set<Hart>();
  private readonly queue: Hart[] = [];
  private readonly arrivals: Arrival[] = [];
  /** The memory that the vCPUs of a task begin with, of the last task; undefined when it cannot be rebuilt. */
  private last: { readonly task: number; readonly snapshot: Snapshot | undefined } | undefined;
  /** Another object whenever they change. */
  private breakpoints: Uint32Array = new Uint32Array();
  private started = 0;
  private runs = 0;
  private failures = 0;
  /** Of processes that are gone. */
  private former = NO_STATISTICS;

  /**
   * @param machine what each vCPU runs with, as the machine does
   * @param report is told of processes that ended by themselves
   */
  constructor(
    private readonly host: WorkspaceHost,
    private readonly machine: MachineTraits,
    private readonly report: (text: string) => void,
  ) {}

  /** vCPUs that are in processes, wait for one, or have come back and were not collected. */
  get active(): number {
    return this.away.size;
  }

  /** What ran in translated code in processes. */
  get statistics(): EngineStatistics {
    const all = [...this.processes.values()].map(({ statistics }) => statistics);
    return all.reduce(addStatistics, this.former);
  }

  isAway(hart: Hart): boolean {
    return this.away.has(hart);
  }

  /** Whether a hart is a vCPU that may run in a process. */
  takes(hart: Hart): boolean {
    const { vcpu } = hart;
    if (vcpu?.task.workspaces?.mayTravel !== true || hart.within) return false;
    if (this.host.processes === 0 || this.failures >= MOST_FAILURES) return false;
    // Stops at pages and bytes, and the embedder's hooks, need the memory to be here.
    const { isWatched, arena, hooks } = hart.space;
    if (isWatched || arena.events.hasStops || hooks.onMissingPage || hooks.onFirstWrite)
      return false;
    return !isFresh(hart) || this.lastOf(hart) !== undefined;
  }

  /** Queues a hart that `takes` accepts. */
  offer(hart: Hart): void {
    this.away.add(hart);
    this.queue.push(hart);
    this.assign();
  }

  /** A vCPU that has come back; undefined when there is none. The arrival must be dealt with at once. */
  collect(): Arrival | undefined {
    if (this.away.size === 0) return undefined;
    this.poll();
    const arrival = this.arrivals.shift();
    if (arrival) this.leaveAway(arrival.hart);
    return arrival;
  }

  /** Waits a little for a vCPU to come back. */
  wait(): void {
    const { connection } = this.connected();
    const { count } = connection;
    this.poll();
    if (this.arrivals.length === 0) connection.await(count, POLL_MS);
  }

  /** Stops have another set of addresses from now on. */
  setBreakpoints(addresses: Iterable<number>): void {
    const next = Uint32Array.from(addresses);
    if (next.length === 0 && this.breakpoints.length === 0) return;
    this.breakpoints = next;
    for (const process of this.busy()) process.setBreakpoints(next);
  }

  /**
   * Every vCPU comes home as it is. What it stopped for comes again when it goes on; one that is lost is an arrival
   * all the same.
   * @param settle is given each one that was in a process or waited for one
   */
  stopAll(settle: (hart: Hart) => void): void {
    if (this.active === 0) return;
    const bringHome = (hart: Hart): void => {
      this.leaveAway(hart);
      settle(hart);
    };
    for (const hart of this.queue.splice(0)) bringHome(hart);
    const lost: Arrival[] = [];
    const { connection } = this.connected();
    for (;;) {
      const { count } = connection;
      this.poll();
      for (const arrival of this.arrivals.splice(0)) {
        if (arrival.lost === undefined) bringHome(arrival.hart);
        else lost.push(arrival);
      }
      if (this.busy().length === 0) break;
      for (const process of this.processes.values()) process.recall(performance.now());
      connection.await(count, POLL_MS);
    }
    this.arrivals.push(...lost);
  }

  /** Ends the processes. */
  end(): void {
    this.forget();
    this.context?.connection.close();
    this.context = undefined;
    this.former = this.statistics;
    this.processes.clear();
  }

  /**
   * Gives back the memories that are kept because processes have them too.
   * @returns whether there were any
   */
  forget(): boolean {
    let found = this.last?.snapshot !== undefined;
    this.last?.snapshot?.release();
    this.last = undefined;
    for (const process of this.processes.values()) found = process.forget() || found;
    return found;
  }

  /** The connection to the processes' owner, made when the first vCPU comes. */
  private connected(): ProcessContext {
    if (this.context) return this.context;
    const { host, traffic, machine } = this;
    const connection = new OwnerConnection(host);
    this.context = { connection, traffic, machine, history: new PageHistory() };
    return this.context;
  }

  private leaveAway(hart: Hart): void {
    this.away.delete(hart);
    if (this.away.size > 0) return;
    // Between tasks, what is kept must not make the guest's own memory scarce.
    const { used, limit } = hart.space.arena.frames;
    if (used > limit * MOST_KEPT) this.forget();
  }

  private busy(): WorkspaceProcess[] {
    return [...this.processes.values()].filter(({ stay }) => stay !== undefined);
  }

  /** Takes in what processes have sent, and gives them what to do. */
  private poll(): void {
    const { connection } = this.connected();
    for (let message = connection.receive(); message; message = connection.receive()) {
      this.take(message);
    }
    const now = performance.now();
    for (const process of [...this.processes.values()]) {
      const { stay, pid, started } = process;
      const isLate = stay?.recalled !== undefined && now - stay.recalled > ANSWER_MS;
      const isMissing = pid === undefined && now - started > START_MS;
      if (isLate || isMissing) this.discard(process, 'does not answer');
    }
    this.assign();
    this.takeTurns(now);
  }

  private take(message: FromOwner): void {
    const process = this.processes.get(message.process);
    if (!process) return;
    switch (message.type) {
      case 'ready':
        process.pid = message.pid;
        this.failures = 0;
        return;
      case 'messages':
        return this.hearAll(process, message.messages);
      case 'gone':
        this.lose(process, message.reason);
    }
  }

  private hearAll(process: WorkspaceProcess, sent: unknown): void {
    const messages = checkedFromProcess(sent);
    this.traffic.messages += 1;
    if (!messages) return this.discard(process, 'sent what is no message');
    for (const message of messages) {
      // After a bad one nothing more is heard of it.
      if (this.processes.has(process.number)) this.hear(process, message);
    }
  }

  private hear(process: WorkspaceProcess, message: FromProcess): void {
    const { stay } = process;
    if (!isAbout(stay, message)) return;
    const { state } = stay.hart;
    switch (message.type) {
      case 'want':
        return process.supply(stay, message.pages);
      case 'progress':
        state.pc = message.pc;
        if (message.instructions >= state.instret) state.instret = message.instructions;
        return;
      case 'events':
        return recordEvents(message.events, stay.hart, stay.since);
      case 'changed': {
        const held = stay.parts.reduce((sum, part) => sum + part.length, message.bytes.length);
        if (held > this.machine.memoryLimit) return this.discard(process, 'sent too much');
        stay.parts.push(message.bytes);
        return;
      }
      case 'back':
        this.bring(process, stay, message);
    }
  }

  /** A vCPU is back: its registers and pages become what they were there. */
  private bring(process: WorkspaceProcess, stay: Stay, message: BackMessage): void {
    const { hart } = stay;
    const changes = process.changes(stay, message);
    if (!changes) return this.discard(process, 'sent other pages than it said');
    const { instret } = hart.state;
    takeContext(hart.state, message.context, true);
    if (!hasStop(hart.state) || !isLater(hart, instret)) {
      hart.state.instret = instret;
      return this.discard(process, 'sent registers that cannot be');
    }
    process.stay = undefined;
    process.statistics = message.statistics;
    const { vcpu } = hart;
    try {
      // Its own events tell of what it has done.
      unseen(hart.space, () => applyChanges(hart.space, changes));
    } catch (error) {
      if (!(error instanceof OutOfMemory)) throw error;
      this.arriveLost(hart, `what it wrote has no room: ${error.message}`);
      return;
    }
    if (vcpu) vcpu.task.workspaces?.print(vcpu, message.output);
    const stop = readStop(hart.state);
    // What only home can do, and what follows it, it does there.
    if (isRefusal(hart.state) || stop.kind === 'ecall' || stop.kind === 'breakpoint') {
      hart.within = true;
    }
    this.arrivals.push({ hart, stop });
  }

  /** Ends a process that is not to be trusted any more. */
  private discard(process: WorkspaceProcess, what: string): void {
    this.connected().connection.post({ type: 'end', process: process.number });
    this.lose(process, what);
  }

  /** A process is gone, and with it the vCPU that was there; another one takes its place when there is work. */
  private lose(process: WorkspaceProcess, reason: string): void {
    const { stay, pid, statistics } = process;
    this.processes.delete(process.number);
    this.former = addStatistics(this.former, statistics);
    process.forget();
    if (pid === undefined) {
      this.failures += 1;
      this.report(`a process for workspace vCPUs could not be started: ${reason}`);
      if (this.failures >= MOST_FAILURES) this.giveUp();
    } else if (stay) {
      this.arriveLost(stay.hart, `its process ${pid} ${reason}`);
    }
  }

  private arriveLost(hart: Hart, reason: string): void {
    const { vcpu } = hart;
    this.report(`vCPU ${vcpu?.id} of task ${vcpu?.task.id} was killed: ${reason}`);
    this.arrivals.push({ hart, lost: reason });
  }

  /** There are no processes: what waits for one runs on threads. */
  private giveUp(): void {
    this.report('workspace vCPUs run on threads of the machine from now on');
    for (const hart of this.queue.splice(0)) this.arrivals.push({ hart, stop: { kind: 'fuel' } });
  }

  /** Gives vCPUs that wait to processes without one, and starts processes while there are too few. */
  private assign(): void {
    for (const process of this.processes.values()) {
      if (!process.isIdle) continue;
      const hart = this.queue.shift();
      if (!hart) return;
      this.send(process, hart);
    }
    const coming = [...this.processes.values()].filter(({ pid }) => pid === undefined).length;
    const missing = Math.min(this.queue.length - coming, this.host.processes - this.processes.size);
    for (let i = 0; i < missing; i++) this.startProcess();
  }

  private startProcess(): void {
    const number = ++this.started;
    const context = this.connected();
    this.processes.set(number, new WorkspaceProcess(number, context));
    context.connection.post({ type: 'start', process: number });
  }

  private send(process: WorkspaceProcess, hart: Hart): void {
    const snapshot = this.snapshotOf(hart);
    const { vcpu } = hart;
    if (!snapshot || !vcpu) {
      // Others write its pages by now.
      hart.within = true;
      this.arrivals.push({ hart, stop: { kind: 'fuel' } });
      return;
    }
    const printed = vcpu.task.workspaces?.printed(vcpu) ?? 0;
    const since = performance.now();
    const { owner } = vcpu.task;
    const run = ++this.runs;
    const stay: Stay = { run, hart, since, pc: owner.state.pc, parts: [], recalled: undefined };
    hart.process = process.pid;
    process.begin(stay, snapshot, printed, this.breakpoints);
    snapshot.release();
    // What has run is no longer as its task began.
    hart.travelled = true;
  }

  /** More vCPUs than processes: the one that has been there longest makes room. */
  private takeTurns(now: number): void {
    if (this.queue.length === 0) return;
    for (const process of this.busy()) {
      if (process.stay && now - process.stay.since > TURN_MS) process.recall(now);
    }
  }

  /** The memory that a vCPU begins with, for the caller to release; undefined when it cannot be rebuilt. */
  private snapshotOf(hart: Hart): Snapshot | undefined {
    if (isFresh(hart)) return this.lastOf(hart)?.retain();
    return layoutAfter(this.last?.snapshot, hart.space) && keep(hart.space);
  }

  /** The memory that all vCPUs of the task begin with. */
  private lastOf(hart: Hart): Snapshot | undefined {
    const task = hart.vcpu?.task.id ?? 0;
    if (this.last?.task === task) return this.last.snapshot;
    const { space } = hart;
    const before = this.last?.snapshot;
    const layout = layoutAfter(before, space);
    this.last = { task, snapshot: layout && keep(space) };
    before?.release();
    return this.last.snapshot;
  }
}

/** What is mapped, or what differs from a memory before; undefined when the memory cannot be rebuilt. */
function layoutAfter(before: Snapshot | undefined, space: AddressSpace): Uint32Array | undefined {
  return before ? layoutSince(space, before.space) : layoutOf(space);
}

/** A memory to be kept; undefined when there is no room for one more space. */
function keep(space: AddressSpace): Snapshot | undefined {
  try {
    return new Snapshot(space);
  } catch (error) {
    if (error instanceof OutOfMemory) return undefined;
    throw error;
  }
}

/** Whether a vCPU's memory is what its task began with. */
const isFresh = ({ travelled, state }: Hart): boolean => !travelled && state.instret === 0;

/** Whether a hart has retired no less than before, and no more than it may. */
function isLater({ state, vcpu }: Hart, before: number): boolean {
  const { instret } = state;
  const limit = vcpu?.limit ?? 0;
  return Number.isSafeInteger(instret) && instret >= before && (limit === 0 || instret <= limit);
}
