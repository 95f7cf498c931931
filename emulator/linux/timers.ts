import { SIGNAL } from './abi/signals';
import type { Clock } from './clock';
import { kernelInfo, setOverrun, timerInfo, type SignalInfo } from './signal-info';
import type { Thread } from './thread';

/** What a timer counts: time that passes, or processor time of the process or of one thread. */
export type TimerClock = 'wall' | 'process' | Thread;

/** How a timer is set, in nanoseconds. */
export interface TimerSetting {
  /** Time until it expires; 0 = never. */
  readonly value: bigint;
  /** Time between expirations after the first; 0 = only once. */
  readonly interval: bigint;
}

/** What timers need of the kernel. */
interface TimerHost {
  readonly clock: Clock;
  /** Processor time of the process, or of a thread, in nanoseconds. */
  processorTime(thread?: Thread): bigint;
  send(info: SignalInfo, thread?: Thread): void;
}

const OFF: TimerSetting = { value: 0n, interval: 0n };

/** One timer: when it expires by its clock, and how often. */
class Timer {
  private deadline: bigint | undefined;
  private interval = 0n;

  constructor(
    readonly isWall: boolean,
    readonly time: () => bigint,
  ) {}

  /** When it expires, by its clock; undefined when it is off. */
  get next(): bigint | undefined {
    return this.deadline;
  }

  /** Nanoseconds of its clock until it expires, at least 0; Infinity when it is off. */
  get untilNext(): number {
    return this.deadline === undefined
      ? Infinity
      : Math.max(0, Number(this.deadline - this.time()));
  }

  get setting(): TimerSetting {
    const { deadline, interval } = this;
    if (deadline === undefined) return { ...OFF, interval };
    const left = deadline - this.time();
    return { value: left > 0n ? left : 1n, interval };
  }

  set({ value, interval }: TimerSetting): void {
    this.deadline = value === 0n ? undefined : this.time() + value;
    this.interval = interval;
  }

  /** How often it has expired since it was asked last; sets it for the next time. */
  expire(): bigint {
    const { deadline, interval } = this;
    if (deadline === undefined) return 0n;
    const late = this.time() - deadline;
    if (late < 0n) return 0n;
    const count = interval === 0n ? 1n : late / interval + 1n;
    this.deadline = interval === 0n ? undefined : deadline + count * interval;
    return count;
  }
}

/** What a timer of timer_create does when it expires. */
export interface TimerNotice {
  /** Undefined: nothing (SIGEV_NONE). */
  readonly signal: number | undefined;
  readonly value: bigint;
  /** The thread that gets the signal [the process]. */
  readonly thread: Thread | undefined;
}

const MAX_OVERRUN = 0x7fff_ffff;

/** A timer of timer_create. Its signal is queued once; expirations until that is taken are overruns. */
class PosixTimer {
  private overruns = 0n;
  private queued = false;
  /** Overruns of the signal taken last (timer_getoverrun). */
  lastOverrun = 0;

  constructor(
    private readonly id: number,
    readonly timer: Timer,
    private readonly notice: TimerNotice,
    private readonly send: TimerHost['send'],
    private readonly clockTime: () => bigint,
  ) {}

  set(setting: TimerSetting): void {
    this.timer.set(setting);
    this.overruns = 0n;
    this.lastOverrun = 0;
  }

  /** How long it is until the clock that the timer was made for shows a time: at least 1 ns. */
  untilTime(time: bigint): bigint {
    const left = time - this.clockTime();
    return left > 0n ? left : 1n;
  }

  ring(): void {
    const count = this.timer.expire();
    const { signal, value, thread } = this.notice;
    if (count === 0n || signal === undefined) return;
    if (this.queued) {
      this.overruns += count;
      return;
    }
    this.overruns = count - 1n;
    this.queued = true;
    const info = timerInfo(signal, this.id, value);
    const taken = (): void => {
      this.queued = false;
      this.lastOverrun = Math.min(Number(this.overruns), MAX_OVERRUN);
      setOverrun(info, this.lastOverrun);
    };
    this.send({ ...info, taken }, thread);
  }
}

/** Interval timers by their numbers (ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF). */
const INTERVAL_TIMERS = [
  { clock: 'wall', signal: SIGNAL.SIGALRM },
  { clock: 'process', signal: SIGNAL.SIGVTALRM },
  { clock: 'process', signal: SIGNAL.SIGPROF },
] as const;

/** The timers of a process that send signals: setitimer(2) and timer_create(2). */
export class Timers {
  private readonly intervals: readonly Timer[];
  private readonly posix = new Map<number, PosixTimer>();
  private nextId = 0;

  /** @param former whose interval timers go on, those of timer_create not (execve) */
  constructor(
    private readonly host: TimerHost,
    former?: Timers,
  ) {
    this.intervals = former?.intervals ?? INTERVAL_TIMERS.map(({ clock }) => this.make(clock));
  }

  /** An interval timer; undefined when Linux has none of that number. */
  interval(which: number): Timer | undefined {
    return this.intervals[which];
  }

  /**
   * A new timer that is off; its id.
   * @param isRealtime absolute times are times of day
   */
  create(clock: TimerClock, notice: (id: number) => TimerNotice, isRealtime: boolean): number {
    const { host } = this;
    const id = this.nextId++;
    const timer = this.make(clock);
    const time = isRealtime ? (): bigint => host.clock.realtime() : timer.time;
    const send: TimerHost['send'] = (info, thread) => host.send(info, thread);
    this.posix.set(id, new PosixTimer(id, timer, notice(id), send, time));
    return id;
  }

  get(id: number): PosixTimer | undefined {
    return this.posix.get(id);
  }

  delete(id: number): boolean {
    return this.posix.delete(id);
  }

  /** How many timers of timer_create there are. */
  get count(): number {
    return this.posix.size;
  }

  /** Whether timer_create has ever been called: numbers 110 and 111 are Linux's then. */
  get used(): boolean {
    return this.nextId > 0;
  }

  /** Sends the signals of the timers whose time has come. */
  ring(): void {
    this.intervals.forEach((timer, which) => {
      const signal = INTERVAL_TIMERS[which]?.signal;
      if (timer.expire() > 0n && signal !== undefined) this.host.send(kernelInfo(signal));
    });
    for (const timer of this.posix.values()) timer.ring();
  }

  /** Nanoseconds of any clock until a timer expires; Infinity when none is set. */
  get untilNext(): number {
    const timers = [...this.intervals, ...[...this.posix.values()].map(({ timer }) => timer)];
    return timers.reduce((least, timer) => Math.min(least, timer.untilNext), Infinity);
  }

  /** When the next timer expires although nothing runs, in monotonic nanoseconds. */
  get deadline(): bigint | undefined {
    const timers = [...this.intervals, ...[...this.posix.values()].map(({ timer }) => timer)];
    const deadlines = timers.flatMap(({ isWall, next }) => (isWall ? (next ?? []) : []));
    return deadlines.reduce<bigint | undefined>(
      (first, next) => (first === undefined || next < first ? next : first),
      undefined,
    );
  }

  private make(clock: TimerClock): Timer {
    const { host } = this;
    if (clock === 'wall') return new Timer(true, () => host.clock.monotonic());
    const thread = clock === 'process' ? undefined : clock;
    return new Timer(false, () => host.processorTime(thread));
  }
}
