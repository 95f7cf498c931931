import type { AccessLog, AccessObserver } from '../engine/access-log';
import type { Engine } from '../engine/engine';
import type { Arena } from '../memory/arena';
import { ADDRESS_LIMIT, PAGE_SIZE } from '../memory/layout';
import type { Hart } from '../multiprocess/hart';
import { Detector, type RaceLimits } from './detector';
import { KernelOrders, type PendingCall } from './kernel-orders';
import type { Race, RaceReport } from './report';
import type { Identity, Strand } from './strands';
import { TaskJoins } from './task-joins';

const A0 = 10;
const A7 = 17;
const ARGUMENTS = 6;

/** What a race check keeps, and whom it tells. */
export interface RaceCheckOptions extends RaceLimits {
  /** Told about each new race. */
  readonly onRace?: (race: Race) => void;
}

/** What one hart is doing. */
interface Watched {
  readonly strand: Strand;
  readonly identity: { -readonly [Key in keyof Identity]: Identity[Key] };
  /** The system call that it stands at, or has returned from last. */
  call: PendingCall | undefined;
  hasRun: boolean;
}

/**
 * Looks for data races and false sharing while a machine runs (docs/races.md). The machine tells it what
 * becomes of harts; the engine tells it what they access, as long as more than one hart can.
 */
export class RaceCheck implements AccessObserver {
  private readonly detector: Detector;
  private readonly orders: KernelOrders;
  private readonly joins = new TaskJoins();
  private readonly harts = new Map<Hart, Watched>();
  private reader: Hart | undefined;
  private caller: Hart | undefined;
  /** Whether what is remembered can still matter. */
  private isSerial = true;

  /** @param clearsAt address of the word that the kernel clears when the hart's thread ends, 0 = none */
  constructor(
    private readonly engine: Engine,
    private readonly arena: Arena,
    private readonly clearsAt: (hart: Hart) => number,
    options: RaceCheckOptions = {},
  ) {
    this.detector = new Detector(options);
    this.orders = new KernelOrders(this.detector);
    this.detector.races.onRace = (race) => {
      this.emit(race);
      options.onRace?.(race);
    };
  }

  report(): RaceReport {
    return this.detector.report();
  }

  accesses(log: AccessLog): void {
    const hart = this.reader;
    const watched = hart && this.harts.get(hart);
    if (watched) this.detector.read(log, watched.strand, hart.space);
  }

  /** A hart has been made: by the system call that is being served, or it is the first one. */
  made(hart: Hart): void {
    const maker = this.caller && this.harts.get(this.caller)?.strand;
    const identity = { hart: hart.index };
    const strand = this.detector.strands.start(identity, maker);
    this.harts.set(hart, { strand, identity, call: undefined, hasRun: false });
    // Numbers of spaces are used again.
    if (hart.space !== this.caller?.space) {
      this.detector.forgetRange(hart.space.id, 0, ADDRESS_LIMIT);
    }
    if (maker) maker.exclusive = false;
  }

  /** A hart is about to run on this thread. */
  entered(hart: Hart): void {
    const watched = this.harts.get(hart);
    if (!watched) return;
    if (!watched.hasRun) this.begin(hart, watched);
    const wasSerial = this.isSerial;
    this.isSerial = this.detector.strands.isSerial(watched.strand);
    if (this.isSerial && !wasSerial) this.detector.forgetAll();
    this.reader = hart;
    this.engine.observe(this.isSerial ? undefined : this);
  }

  /** A hart stands at an ecall that is about to be served; one that waits comes again. */
  calls(hart: Hart): void {
    const watched = this.harts.get(hart);
    this.caller = hart;
    if (!watched) return;
    const { strand } = watched;
    const { state, space } = hart;
    this.detector.settle(strand, space);
    const isNew = watched.call?.instret !== state.instret;
    const args = Array.from({ length: ARGUMENTS }, (_, n) => state.xNumber(A0 + n));
    watched.call = { number: state.xNumber(A7), args, instret: state.instret };
    if (isNew) this.orders.calls(strand, space, watched.call, () => this.clearsAt(hart));
  }

  /** A hart's system call is over; its result is in a0. */
  returned(hart: Hart): void {
    const watched = this.harts.get(hart);
    const call = watched?.call;
    if (!watched || !call) return;
    watched.call = undefined;
    const result = hart.state.xInt(A0);
    this.joins.returned(hart, watched.strand, call, result);
    this.orders.returned(watched.strand, hart.space, call, hart.state.xNumber(A0));
  }

  /** A hart has ended; its space is still there. */
  ended(hart: Hart): void {
    const watched = this.harts.get(hart);
    if (!watched) return;
    const { strand } = watched;
    this.detector.settle(strand, hart.space);
    this.harts.delete(hart);
    this.joins.ended(hart, strand);
    this.detector.strands.end(strand);
  }

  private emit({ address, first, second }: Race): void {
    const page = Math.floor(address / PAGE_SIZE);
    this.arena.events.emit(second.hart, 'race', page, first.hart, address);
  }

  /** The first time that a hart runs it is known what it is. */
  private begin({ vcpu }: Hart, watched: Watched): void {
    watched.hasRun = true;
    if (!vcpu) return;
    watched.identity.task = vcpu.task.id;
    watched.identity.vcpu = vcpu.id;
    watched.strand.exclusive = vcpu.task.mode !== 'shared';
  }
}
