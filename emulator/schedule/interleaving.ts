import type { Clock } from '../linux/clock';
import type { StandardStreams } from '../linux/streams';
import { Terminal } from '../linux/terminal';
import { Generator } from './generator';
import { checkSchedule, DEFAULT_QUANTUM, type Interleaved } from './options';
import { LiveOutside, ReplayedOutside, type Outside } from './outside';
import type { Entry, Position } from './recording';
import { EqualTurns, SeededTurns, type Turns } from './turns';
import { NANOSECONDS_PER_INSTRUCTION, VirtualClock } from './virtual-clock';

/** How an interleaved machine is watched or led. */
export interface InterleavingOptions {
  readonly schedule: Interleaved;
  readonly streams: StandardStreams;
  /** Is told what comes from outside, in order. */
  readonly record?: (entry: Entry) => void;
  /** What is to come from outside, instead of what the streams give. */
  readonly replay?: readonly Entry[];
}

/** What the machine tells about itself, once it is there. */
export interface InterleavedRun {
  /** Instructions retired by all harts up to this moment. */
  retired(): number;
  /** Events of the arena so far. */
  events(): number;
  /** Nanoseconds until a timer of the guest expires; Infinity when none is set. */
  untilTimer(): number;
}

/** The streams of the random numbers that come from one seed. */
const GUEST_RANDOM = 3;

/**
 * What makes a run the same each time: turns, time and random numbers that depend on nothing but the seed, and one
 * place through which everything else comes in.
 */
export class Interleaving {
  readonly turns: Turns;
  readonly clock = new VirtualClock();
  readonly outside: Outside;
  private readonly generator: Generator;
  private machine: InterleavedRun = {
    retired: () => 0,
    events: () => 0,
    untilTimer: () => Infinity,
  };

  constructor({ schedule, streams, record, replay }: InterleavingOptions) {
    const { quantum = DEFAULT_QUANTUM, seed } = checkSchedule(schedule);
    this.turns = seed === undefined ? new EqualTurns(quantum) : new SeededTurns(quantum, seed);
    this.generator = new Generator(seed ?? 0, GUEST_RANDOM);
    const position = (): Position => ({
      at: this.machine.retired(),
      events: this.machine.events(),
    });
    this.outside = replay
      ? new ReplayedOutside(streams, position, replay)
      : new LiveOutside(streams, position, record);
  }

  /** What the kernel is made with. */
  get kernel(): {
    readonly streams: StandardStreams;
    readonly clock: Clock;
    readonly random: (bytes: Uint8Array) => void;
  } {
    const { clock, generator } = this;
    const { streams } = this.outside;
    return { streams, clock, random: (bytes) => generator.fill(bytes) };
  }

  /** Ties the clock to the machine's instructions. */
  attach(machine: InterleavedRun): void {
    this.machine = machine;
    this.clock.retired = () => machine.retired();
    const now = (): number => Number(this.clock.monotonic()) / 1e6;
    for (const stream of Object.values(this.outside.streams)) {
      if (stream instanceof Terminal) stream.useClock(now);
    }
  }

  /** Before each piece of a turn: what is due from outside comes. True when harts that wait may try again. */
  lookUp(): boolean {
    const delivered = this.outside.deliver();
    return delivered || this.outside.next < Infinity;
  }

  /** Instructions until the machine must look up again, at least one. */
  get budget(): number {
    const untilTimer = Math.ceil(this.machine.untilTimer() / NANOSECONDS_PER_INSTRUCTION);
    const untilNext = this.outside.next - this.machine.retired();
    return Math.max(1, Math.min(untilTimer, untilNext));
  }

  /** No hart can run. True when time has passed to the next deadline, so that one may. */
  sleep({ deadline, reason }: { readonly reason: string; readonly deadline?: number }): boolean {
    if (deadline === undefined) return false;
    const mayCome = this.outside.mayCome && (reason === 'input' || reason === 'output');
    if (mayCome && !this.outside.sleep()) return false;
    this.clock.sleepUntil(deadline);
    return true;
  }
}
