import { Engine, QUANTUM, type EngineStop } from '../engine/engine';
import { HartState } from '../engine/hart-state';
import { NO_STATISTICS } from '../engine/statistics';
import { ERRNO } from '../linux/abi/errno';
import { AddressSpace, Arena, OutOfMemory } from '../memory';
import { HART, PAGE_SIZE } from '../memory/layout';
import { changesOf, mapLayout, supply, touchesCode, type PageBytes } from '../memory/travel';
import { contextHart, copyContext, takeContext } from './hart-context';
import { noteCall } from './hart-events';
import { writeRefusal, writeStop } from './stop-code';
import { workspaceCall, type Output } from './workspace-calls';
import { EventOutbox } from './workspace-events';
import { absentPage, PageAbsent, ReadAhead, TravellingMemory } from './workspace-memory';
import {
  checkedToProcess,
  MOST_PAGES,
  type FromProcess,
  type MachineTraits,
  type RunMessage,
  type ToProcess,
} from './workspace-messages';

/** The vCPU runs this long before messages are looked at. */
const SLICE_MS = 4;
/** How often the machine hears how far it is. */
const PROGRESS_MS = 100;
const CHUNK_BYTES = MOST_PAGES * PAGE_SIZE;

/** System calls that only the vCPU's machine can answer: exit, exit_group, brk and those of multiprocess. */
const HOME_CALLS = new Set([93, 94, 214, 110, 111, 2000, 2001, 2002]);
const A0 = 10;
const A7 = 17;
/** Number of the only hart's context. */
const CONTEXT = 0;
const ECALL_BYTES = 4;

/** The vCPU that is here. */
interface Run {
  readonly message: RunMessage;
  readonly space: AddressSpace;
  readonly state: HartState;
  readonly memory: TravellingMemory;
  readonly readAhead: ReadAhead;
  readonly output: Output[];
  printed: number;
  /** It waits for a page. */
  isWaiting: boolean;
  reported: number;
}

/** What a process needs of its surroundings. */
export interface RunnerHost {
  send(messages: readonly FromProcess[]): void;
  /** Calls back after the messages that have come in by now. */
  later(callback: () => void): void;
}

/**
 * A process that runs workspace vCPUs, one at a time, in an arena of its own. It runs guest code in slices of some
 * milliseconds and takes messages in between.
 */
export class WorkspaceRunner {
  private arena: Arena | undefined;
  private machine: MachineTraits = { memoryLimit: 0, engine: 'interpreter' };
  private engine: Engine | undefined;
  private snapshot: AddressSpace | undefined;
  private run: Run | undefined;
  private events: EventOutbox | undefined;

  constructor(private readonly host: RunnerHost) {}

  /**
   * Takes messages of the machine.
   * @throws Error when they are none
   */
  receive(messages: unknown): void {
    const checked = checkedToProcess(messages);
    if (!checked) throw new Error('what the machine sent is no message to a workspace process');
    for (const message of checked) this.answer(message);
  }

  private answer(message: ToProcess): void {
    switch (message.type) {
      case 'snapshot':
        return this.begin(message.machine, message.layout, message.isWhole);
      case 'run':
        return this.start(message);
      case 'pages':
        return this.supply(message);
      case 'breakpoints':
        return this.engine?.code.restart(message.addresses);
      case 'recall':
        if (this.run?.message.run === message.run) this.finish(this.run, { kind: 'fuel' });
    }
  }

  /** Lays out new memory, or changes the former one. What is decoded and translated stays while no code is concerned. */
  private begin(machine: MachineTraits, layout: Uint32Array, isWhole: boolean): void {
    if (this.run) throw new Error('memory came while a vCPU runs');
    if (isWhole) {
      this.snapshot?.destroy();
      this.snapshot = AddressSpace.create(this.prepare(machine), { tables: false });
    }
    const { snapshot } = this;
    if (!snapshot) throw new Error('changes of a memory came before it');
    if (isWhole || touchesCode(snapshot, layout)) this.engine?.code.flush();
    mapLayout(snapshot, layout);
  }

  private prepare(machine: MachineTraits): Arena {
    const { memoryLimit, engine } = machine;
    const isSame = this.machine.memoryLimit === memoryLimit && this.machine.engine === engine;
    if (this.arena && isSame) return this.arena;
    this.machine = machine;
    const arena = Arena.create({
      limitBytes: memoryLimit,
      tablePairs: 2,
      codeTables: 1,
      spaces: 8,
      harts: 1,
      eventsPerHart: 1,
    });
    arena.allocateHarts();
    // Of no use: a workspace's time is virtual.
    const environment = { time: () => 0n };
    const root = AddressSpace.create(arena, { tables: false });
    this.engine = new Engine(root, environment, undefined, engine);
    this.arena = arena;
    this.events = new EventOutbox(arena.events, (events) => {
      if (this.run) this.host.send([{ type: 'events', run: this.run.message.run, events }]);
    });
    return arena;
  }

  private start(message: RunMessage): void {
    const { arena, snapshot } = this;
    if (!arena || !snapshot || this.run) throw new Error('a vCPU came at the wrong time');
    const state = new HartState(arena.memory, arena.hartAddress(CONTEXT));
    takeContext(state, message.context, false);
    state.mhartid = contextHart(message.context);
    state.setField(HART.virtualTime, 1);
    const space = snapshot.fork({ tables: true });
    this.engine?.watchCode(space);
    space.hart = CONTEXT;
    arena.events.enabled = message.events.enabled;
    arena.events.timed = message.events.timed;
    this.run = {
      message,
      space,
      state,
      memory: new TravellingMemory(space),
      readAhead: new ReadAhead(MOST_PAGES),
      output: [],
      printed: message.printed,
      isWaiting: false,
      reported: performance.now(),
    };
    this.slice(this.run);
  }

  /** Pages come for the snapshot, and for the vCPU that waits for them. */
  private supply(pages: PageBytes): void {
    const { snapshot, run } = this;
    if (!snapshot) return;
    try {
      supply(run ? [snapshot, run.space] : [snapshot], pages);
    } catch (error) {
      if (!(error instanceof OutOfMemory)) throw error;
      if (run) this.refuse(run);
      return;
    }
    if (run?.isWaiting === true) {
      run.isWaiting = false;
      this.goOn();
    }
  }

  private goOn(): void {
    const { run } = this;
    if (run) this.host.later(() => this.slice(run));
  }

  private slice(run: Run): void {
    if (this.run !== run || run.isWaiting) return;
    try {
      const until = performance.now() + SLICE_MS;
      do {
        const stop = this.advance(run);
        if (stop && !this.serve(run, stop)) return;
      } while (performance.now() < until);
    } catch (error) {
      if (!(error instanceof OutOfMemory)) throw error;
      return this.refuse(run);
    }
    this.report(run);
    this.goOn();
  }

  /** Runs a quantum; a stop that ends it. */
  private advance({ state, space, message }: Run): EngineStop | undefined {
    const left = message.limit === 0 ? Infinity : message.limit - state.instret;
    if (left <= 0) return { kind: 'fuel' };
    this.engine?.attach(state, space);
    space.arena.events.stamp();
    const stop = this.engine?.run(state, Math.min(left, QUANTUM));
    return stop?.kind === 'fuel' ? undefined : stop;
  }

  /** What comes of a stop here. False when the vCPU does not go on for now. */
  private serve(run: Run, stop: EngineStop): boolean {
    if (stop.kind === 'fault') {
      const page = absentPage(run.space, stop.fault.address);
      if (page !== undefined) return this.await(run, page);
    }
    if (stop.kind === 'ecall' && !HOME_CALLS.has(run.state.xNumber(A7))) return this.call(run);
    this.finish(run, stop);
    return false;
  }

  private await(run: Run, page: number): false {
    run.isWaiting = true;
    this.events?.flush();
    const pages = run.readAhead.wanted(run.space, page);
    this.host.send([{ type: 'want', run: run.message.run, pages }]);
    return false;
  }

  private call(run: Run): boolean {
    const { state, space, memory, message, printed } = run;
    const { id, vcpus } = message;
    const { events } = space.arena;
    events.stampSometimes();
    events.beginCall();
    const number = state.xNumber(A7);
    try {
      const outcome = workspaceCall({ state, space, memory, id, vcpus, printed });
      const isDone = outcome.kind === 'done';
      for (const part of isDone ? outcome.output : []) {
        run.output.push(part);
        run.printed += part.bytes.length;
      }
      const value = isDone ? outcome.value : -ERRNO.EPERM;
      state.setX(A0, BigInt.asUintN(64, BigInt(value)));
    } catch (error) {
      if (error instanceof PageAbsent) return this.await(run, error.page);
      throw error;
    }
    noteCall({ space, index: CONTEXT, state }, number);
    state.instret += 1;
    state.pc += ECALL_BYTES;
    state.clearReservation();
    return true;
  }

  private report(run: Run): void {
    const now = performance.now();
    if (now - run.reported < PROGRESS_MS) return;
    run.reported = now;
    this.events?.flush();
    const { pc, instret } = run.state;
    // A wild pc has no place to be shown.
    if (!Number.isSafeInteger(pc)) return;
    this.host.send([{ type: 'progress', run: run.message.run, pc, instructions: instret }]);
  }

  private refuse(run: Run): void {
    writeRefusal(run.state);
    this.leave(run);
  }

  private finish(run: Run, stop: EngineStop): void {
    writeStop(run.state, stop);
    this.leave(run);
  }

  /** Sends the vCPU home with all that it has changed. */
  private leave({ message, space, state, output }: Run): void {
    const { run } = message;
    const { snapshot, engine } = this;
    if (!snapshot) return;
    this.events?.flush();
    const statistics = engine?.stats ?? NO_STATISTICS;
    const { layout, bytes } = changesOf(space, snapshot);
    // The next vCPU does not see what this one has made of the code.
    if (touchesCode(snapshot, layout)) engine?.code.flush();
    let at = 0;
    for (; bytes.length - at > CHUNK_BYTES; at += CHUNK_BYTES) {
      this.host.send([{ type: 'changed', run, bytes: bytes.slice(at, at + CHUNK_BYTES) }]);
    }
    this.host.send([
      ...(at < bytes.length ? [{ type: 'changed', run, bytes: bytes.slice(at) } as const] : []),
      { type: 'back', run, context: copyContext(state), layout, output, statistics },
    ]);
    space.destroy();
    this.run = undefined;
  }
}
