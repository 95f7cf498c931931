import type { ArenaEvent } from '../memory/events';
import type { SpanKind } from './launch';

/** What the recorder reads of an event. */
export type LaunchEvent = Pick<
  ArenaEvent,
  'kind' | 'hart' | 'instret' | 'pc' | 'page' | 'from' | 'to' | 'time' | 'took'
>;

/** A place on a lane: on the host's clock, in nanoseconds, and on the hart's logical one, in instructions. */
export interface Moment {
  readonly time: number;
  readonly clock: number;
}

/** What a hart did from one moment to another. */
export interface Stretch {
  readonly kind: SpanKind;
  readonly from: Moment;
  readonly to: Moment;
}

/** A page that a hart got to write: its own copy, or one on loan. */
export interface PageFault {
  readonly kind: string;
  readonly page: number;
  readonly at: Moment;
  /** Nanoseconds of host time; 0 where it was not measured. */
  readonly took: number;
}

/** What one hart did in a launch. */
export interface LaneRecord {
  readonly hart: number;
  /** The vCPU's number in its task, from 1; 0 for the caller. */
  readonly vcpu: number;
  readonly begin: Moment;
  readonly end: Moment;
  readonly instructions: number;
  /** In order, without overlaps. */
  readonly stretches: readonly Stretch[];
  readonly faults: readonly PageFault[];
}

/** One task from the call that started it to the end of its join. */
export interface LaunchRecord {
  readonly task: number;
  /** The ecall that started it. */
  readonly pc: number;
  readonly begin: Moment;
  readonly end: Moment;
  readonly caller: LaneRecord;
  readonly vcpus: readonly LaneRecord[];
}

/** Calls that wait for vCPUs: 110, 111 and 2000, 2001 (docs/multiprocess.md). */
const JOIN_CALLS = [110, 111, 2000, 2001];
const MULTIPROCESS_WAIT = 111;
const FUTEX = 98;
const PAGE_KINDS = ['copy', 'loan', 'late-borrow', 'adopt'];
/** Lanes that are kept; of more, those of the newest launches. */
const MOST_LANES = 20_000;
/** Stretches and faults of one hart that are kept while a launch of it goes on; further ones are left out. */
const MOST_STRETCHES = 1_000_000;
const NANOSECONDS = 1e6;

/** A hart from its start to its end. */
interface Life {
  readonly hart: number;
  readonly task: number;
  readonly vcpu: number;
  begin: Moment;
  /** Instructions that are added to the hart's own count: what it has waited for. */
  base: number;
  at: Moment;
  instret: number;
  doing: SpanKind;
  /** The last thing was a wait, whose call ends it. */
  parked: boolean;
  stretches: Stretch[];
  faults: PageFault[];
  /** Harts that it has started, as long as the call that did so is not over. */
  started: Life[];
  isOver: boolean;
}

/** A task that has begun and is not joined. */
interface Open {
  readonly task: number;
  readonly caller: Life;
  /** Not yet there: the call that has begun it is not over. */
  begin: Moment | undefined;
  pc: number;
  instret: number;
  readonly vcpus: Life[];
}

/**
 * Puts launches together from the events of a machine, as they come. Each hart has two clocks. The host's is
 * that of the events. The logical one counts a unit for each instruction, as if every hart had a processor of its own on
 * which nothing else took time: a vCPU starts at its caller's clock; a wait ends not before the clock of the hart
 * whose call ended it (Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System"). It is the
 * same in every run of a program whose instructions are.
 */
export class LaunchRecorder {
  private readonly lives = new Map<number, Life>();
  private readonly open = new Map<number, Open>();
  private readonly done: LaunchRecord[] = [];
  private lanes = 0;
  private zero: number | undefined;
  /** Turns are told: a hart that has started waits for a thread until its turn begins. */
  private tellsTurns = false;
  /** The clock of the hart whose futex call was the last one, and of whose other call. */
  private lastFutex: { readonly hart: number; readonly clock: number } | undefined;
  private lastCall: { readonly hart: number; readonly clock: number } | undefined;
  /** Launches that were dropped to make room, and stretches that had none. */
  dropped = 0;

  /** Host time of the first event, in milliseconds since 1970: from there the moments' times count. */
  get beginning(): number {
    return this.zero ?? 0;
  }

  /** Launches that are joined, in the order of their ends. */
  get launches(): readonly LaunchRecord[] {
    return this.done;
  }

  /** Where the run is: the latest moment of any hart, and instructions of the longest lane. */
  get now(): Moment {
    let [time, clock] = [0, 0];
    for (const { at } of this.lives.values()) {
      time = Math.max(time, at.time);
      clock = Math.max(clock, at.clock);
    }
    return { time, clock };
  }

  /** @param events in their order, each later than those of earlier calls */
  take(events: Iterable<LaunchEvent>): void {
    for (const event of events) this.note(event);
  }

  private note(event: LaunchEvent): void {
    this.zero ??= event.time;
    const time = NANOSECONDS * (event.time - this.zero);
    if (event.kind === 'start') {
      this.start(event, time);
      return;
    }
    const life =
      this.lives.get(event.hart) ?? this.born(event.hart, { time, clock: event.instret });
    const at = this.moment(life, event.instret, time);
    switch (event.kind) {
      case 'turn':
        this.tellsTurns = true;
        this.stretch(life, at, 'run');
        return;
      case 'turn-end':
        this.stretch(life, at, event.from === 1 ? 'syscall' : 'start');
        return;
      case 'syscall':
        this.callEnds(life, at, event);
        return;
      case 'park':
        this.during(life, at, event.took, this.kindOf(life, at, event));
        life.parked = true;
        life.doing = JOIN_CALLS.includes(event.page) ? 'idle' : 'wait';
        return;
      case 'join':
        this.join(life, at, event);
        return;
      case 'end':
        this.stretch(life, at, 'idle');
        life.isOver = true;
        for (const open of this.openOf(life)) this.close(open);
        return;
      default:
        if (!PAGE_KINDS.includes(event.kind)) return;
        this.during(life, at, event.took, 'loan');
        if (life.faults.length < MOST_STRETCHES) {
          life.faults.push({ kind: event.kind, page: event.page, at, took: event.took });
        }
    }
  }

  /** A hart whose start was not seen: the main one, or one from before the recorder looked. */
  private born(hart: number, begin: Moment): Life {
    const life = newLife({ hart, task: 0, vcpu: 0, begin, doing: 'run' });
    this.lives.set(hart, life);
    return life;
  }

  private start({ hart, page: task, from, to }: LaunchEvent, time: number): void {
    const maker = this.lives.get(from) ?? this.born(from, { time, clock: 0 });
    const begin = { time: Math.max(time, maker.at.time), clock: 0 };
    const doing = this.tellsTurns ? 'start' : 'run';
    const life = newLife({ hart, task, vcpu: to, begin, doing });
    this.lives.set(hart, life);
    maker.started.push(life);
    if (task === 0) return;
    let open = this.open.get(task);
    if (!open) {
      open = { task, caller: maker, begin: undefined, pc: 0, instret: 0, vcpus: [] };
      this.open.set(task, open);
    }
    open.vcpus.push(life);
  }

  /** Where a hart is; neither clock goes back. */
  private moment(life: Life, instret: number, time: number): Moment {
    life.instret = instret;
    const clock = Math.max(life.at.clock, life.base + instret);
    return { time: Math.max(life.at.time, time), clock };
  }

  /** Until `at` the hart went on with what it did; from there on it does something else. */
  private stretch(life: Life, at: Moment, next: SpanKind): void {
    this.push(life, life.doing, at);
    life.doing = next;
  }

  /** What took the last nanoseconds until `at` is of one kind; the hart goes on as before. */
  private during(life: Life, at: Moment, took: number, kind: SpanKind): void {
    const began = { time: Math.max(life.at.time, at.time - took), clock: at.clock };
    this.push(life, life.doing, began);
    this.push(life, kind, at);
  }

  private push(life: Life, kind: SpanKind, to: Moment): void {
    const from = life.at;
    life.at = to;
    if (from.time === to.time && from.clock === to.clock) return;
    const last = life.stretches.at(-1);
    if (last?.kind === kind) life.stretches[life.stretches.length - 1] = { ...last, to };
    else if (life.stretches.length < MOST_STRETCHES) life.stretches.push({ kind, from, to });
    else this.dropped += 1;
  }

  private callEnds(life: Life, at: Moment, event: LaunchEvent): void {
    if (life.parked) {
      life.parked = false;
      const woken =
        life.doing === 'wait' ? this.wokenAt(life, event.page) : latestEnd(this.openOf(life));
      this.stretch(life, this.notBefore(life, at, woken), this.tellsTurns ? 'start' : 'run');
    } else if (life.doing === 'syscall' || life.doing === 'start') {
      // It has come to the home thread for this call, and now waits for another turn.
      this.during(life, at, event.took, this.kindOf(life, at, event));
      life.doing = 'start';
    } else {
      this.during(life, at, event.took, this.kindOf(life, at, event));
    }
    if (event.page === MULTIPROCESS_WAIT) {
      for (const open of this.openOf(life)) if (open.vcpus.every(isOver)) this.close(open);
    }
    // The call itself is an instruction, which the event comes before.
    const call = { hart: life.hart, clock: life.at.clock + 1 };
    if (event.page === FUTEX) this.lastFutex = call;
    else this.lastCall = call;
  }

  /** The clock of the hart whose call has ended a wait, most likely: of the last one that could. */
  private wokenAt({ hart }: Life, call: number): number {
    const last = call === FUTEX ? this.lastFutex : this.lastCall;
    return last && last.hart !== hart ? last.clock : 0;
  }

  private notBefore(life: Life, at: Moment, clock: number): Moment {
    const behind = clock - at.clock;
    if (behind <= 0) return at;
    life.base += behind;
    return { ...at, clock };
  }

  private openOf(life: Life): Open[] {
    return [...this.open.values()].filter(({ caller }) => caller === life);
  }

  /** What a call was: one that has started harts lets them and their task begin where the caller is. */
  private kindOf(life: Life, at: Moment, { took, pc }: LaunchEvent): SpanKind {
    if (life.started.length === 0) return 'syscall';
    for (const started of life.started) {
      started.base = at.clock;
      started.begin = started.at = { ...started.begin, clock: at.clock };
    }
    life.started = [];
    for (const open of this.openOf(life)) {
      if (open.begin) continue;
      open.begin = { time: Math.max(life.at.time, at.time - took), clock: at.clock };
      open.instret = life.instret;
      open.pc = pc;
    }
    return 'fork';
  }

  /** The hart has waited for a task, or for all of its tasks. */
  private join(life: Life, at: Moment, { page: task, took }: LaunchEvent): void {
    const joined = this.openOf(life).filter((open) => task === 0 || open.task === task);
    const clock = Math.max(at.clock, latestEnd(joined));
    const began = { time: Math.max(life.at.time, at.time - took), clock: at.clock };
    this.stretch(life, this.notBefore(life, began, clock), 'merge');
    this.push(life, 'merge', { time: Math.max(began.time, at.time), clock });
    life.doing = this.tellsTurns && life.parked ? 'start' : 'run';
    for (const open of joined) this.close(open);
  }

  private close({ task, caller, begin, pc, instret, vcpus }: Open): void {
    this.open.delete(task);
    // A call whose end was not seen: the launch cannot be told from it.
    if (!begin) return;
    const end = caller.at;
    this.done.push({
      task,
      pc,
      begin,
      end,
      caller: {
        hart: caller.hart,
        vcpu: 0,
        begin,
        end,
        instructions: caller.instret - instret,
        ...part(caller, begin, end),
      },
      vcpus: vcpus.map((life) => this.laneUntil(life, end)),
    });
    this.makeRoom(vcpus.length + 1);
    for (const life of vcpus) if (this.lives.get(life.hart) === life) this.lives.delete(life.hart);
    this.forgetBefore(caller);
  }

  /** A vCPU's lane; when it has ended it is idle until the others have, too. */
  private laneUntil(life: Life, end: Moment): LaneRecord {
    const over = life.at;
    this.push(life, life.doing, {
      time: Math.max(over.time, end.time),
      clock: Math.max(over.clock, end.clock),
    });
    const { hart, vcpu, begin, instret: instructions, stretches, faults } = life;
    return { hart, vcpu, begin, end: over, instructions, stretches, faults };
  }

  private makeRoom(lanes: number): void {
    this.lanes += lanes;
    while (this.lanes > MOST_LANES && this.done.length > 1) {
      this.lanes -= (this.done.shift()?.vcpus.length ?? 0) + 1;
      this.dropped += 1;
    }
  }

  /** What a caller did before its launches began is not asked for any more. */
  private forgetBefore(caller: Life): void {
    for (const open of this.open.values()) if (open.caller === caller) return;
    if (caller.task === 0) [caller.stretches, caller.faults] = [[], []];
  }
}

const newLife = (life: Pick<Life, 'hart' | 'task' | 'vcpu' | 'begin' | 'doing'>): Life => ({
  ...life,
  base: 0,
  at: life.begin,
  instret: 0,
  parked: false,
  stretches: [],
  faults: [],
  started: [],
  isOver: false,
});

/** A caller's stretches between two moments, cut off there. */
function part(
  { stretches, faults }: Life,
  begin: Moment,
  end: Moment,
): Pick<LaneRecord, 'stretches' | 'faults'> {
  return {
    stretches: stretches
      .filter(({ from, to }) => isBefore(begin, to) && isBefore(from, end))
      .map((each) => (isBefore(each.from, begin) ? { ...each, from: begin } : each)),
    faults: faults.filter(({ at }) => at.time >= begin.time && at.clock >= begin.clock),
  };
}

const isOver = (life: Life): boolean => life.isOver;

/** The logical clock at which the last vCPU of some tasks has ended. */
const latestEnd = (tasks: readonly Open[]): number =>
  Math.max(0, ...tasks.flatMap(({ vcpus }) => vcpus.filter(isOver).map(({ at }) => at.clock)));

const isBefore = (a: Moment, b: Moment): boolean => a.time < b.time || a.clock < b.clock;
