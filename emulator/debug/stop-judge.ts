import { signalName } from '../linux/abi/signals';
import type { Hart } from '../multiprocess/hart';
import type { BreakpointTable } from './breakpoints';
import { EXIT_EVENT, type BreakpointHit } from './breakpoint-rules';
import { callName } from './breakpoint-places';
import { dataReference, type DataReference } from './fetch';
import type { Barriers } from './barriers';
import type { WatchedRange } from './data-planter';
import { locate } from './location';
import type { StopReason } from './protocol';
import { functionsOf } from './scope';
import type { DebugTarget, MachineStop } from './target';
import type { Visits } from './visits';

/**
 * What a machine's stop means to the user.
 * - a `StopReason`: stop and say so
 * - `on`: go on; nothing has run of the instruction that the hart stands at
 * - `through`: go on through it, without stopping there again
 */
export type Verdict = StopReason | 'on' | 'through';

/** A value of more bytes is shown only where it was accessed. */
const LONGEST_VALUE = 8;

/** Decides for every stop of the machine whether the user's breakpoints want it. */
export class StopJudge {
  constructor(
    private readonly target: DebugTarget,
    private readonly breakpoints: BreakpointTable,
    private readonly barriers: Barriers,
    private readonly visits: Visits,
    private readonly note: (text: string) => void,
  ) {}

  /** Whether a stop has shown the hart where it stands. */
  wasShown(hart: Hart): boolean {
    return this.visits.of(hart) !== undefined;
  }

  readonly isAtBarrier = (hart: Hart): boolean => this.barriers.of(hart) !== undefined;

  /** @param stop anything but `fuel` and `waiting` */
  judge(stop: MachineStop): Verdict {
    const { current } = this.target;
    switch (stop.kind) {
      case 'breakpoint':
        return this.atCode(current);
      case 'watch':
        return this.atAccess(current, stop.address, stop.size, stop.write);
      case 'syscall':
        return this.atCall(current, stop.number);
      case 'event': {
        const hit = this.told(this.breakpoints.hitEvent(current, stop.event));
        if (!hit) return 'on';
        // A signal's number stands in the page's place.
        return stop.event === 'signal'
          ? { kind: 'event', id: hit.id, event: `signal ${signalName(stop.page)}`, page: 0 }
          : { kind: 'event', id: hit.id, event: stop.event, page: stop.page };
      }
      case 'killed':
        return { kind: 'killed', signal: stop.signal, status: stop.status };
      case 'fuel':
      case 'waiting':
        return 'on';
      default:
        return stop;
    }
  }

  /** The barrier where all have come, if there is one. */
  completeBarrier(): StopReason | undefined {
    const { liveHarts } = this.target;
    return this.barriers.complete(liveHarts, (id) => this.breakpoints.barrier(id));
  }

  private atCode(hart: Hart): Verdict {
    const address = hart.state.pc;
    const visit = this.visits.of(hart);
    const hit = visit === 'judged' ? undefined : this.told(this.breakpoints.hit(hart));
    this.visits.note(hart, 'judged');
    if (visit !== undefined) return this.pass(hart);
    if (hit?.barrier === true) {
      this.barriers.hold(hart, hit.id);
      return this.completeBarrier() ?? 'on';
    }
    return hit ? { kind: 'breakpoint', id: hit.id, address } : this.pass(hart);
  }

  private atCall(hart: Hart, number: number): Verdict {
    const exit = this.told(this.breakpoints.hitExit(hart, number));
    const hit = this.told(this.breakpoints.hitCall(hart, number));
    if (exit && !hit) return { kind: 'event', id: exit.id, event: EXIT_EVENT, page: 0 };
    return hit ? { kind: 'syscall', id: hit.id, number, name: callName(number) } : 'on';
  }

  /** Through a breakpoint; the instruction there may touch a data breakpoint. */
  private pass(hart: Hart): Verdict {
    const access = this.breakpoints.watchesData ? dataReference(hart) : undefined;
    return access ? this.access(hart, access) : 'through';
  }

  private atAccess(hart: Hart, address: number, size: number, write: boolean): Verdict {
    const reference = dataReference(hart) ?? { address, size, reads: !write, writes: write };
    return this.access(hart, reference);
  }

  /** Runs the instruction, which accesses memory, and looks at what it did. */
  private access(hart: Hart, reference: DataReference): Verdict {
    const touched = this.breakpoints
      .touched(hart, reference.address, reference.size)
      .filter(({ access }) => wants(access, reference));
    if (touched.length === 0) return 'through';
    const places = touched.map((range) => shownPart(range, reference));
    const before = places.map((place) => read(hart, place));
    const { pc, instret } = hart.state;
    const stop = this.target.run(1, true, hart);
    if (stop.kind !== 'fuel') return this.judge(stop);
    // Nothing has run when the access itself was not to be: a store-conditional's page, say.
    if (hart.state.instret === instret) return 'on';
    let verdict: Verdict = 'on';
    touched.forEach((range, n) => {
      const after = read(hart, places[n]);
      const old = before[n];
      if (range.access === 'change' && after === old) return;
      const hit = this.told(this.breakpoints.hitData(range.id, hart, { old, new: after }));
      if (!hit || verdict !== 'on') return;
      verdict = {
        kind: 'watch',
        id: hit.id,
        access: reference.writes ? 'write' : 'read',
        address: reference.address,
        size: reference.size,
        from: locate(functionsOf(this.target, hart), pc),
        place: places[n].address,
        before: hexadecimal(old, places[n].length),
        after: hexadecimal(after, places[n].length),
      };
    });
    return verdict;
  }

  /** Says what is wrong with a breakpoint's condition. */
  private told(hit: BreakpointHit | undefined): BreakpointHit | undefined {
    if (hit?.problem !== undefined) this.note(hit.problem);
    return hit;
  }
}

function wants(access: WatchedRange['access'], { reads, writes }: DataReference): boolean {
  switch (access) {
    case 'read':
      return reads;
    case 'write':
    case 'change':
      return writes;
    case 'access':
      return true;
  }
}

interface Part {
  readonly address: number;
  readonly length: number;
}

/** The value that is told: all that is watched when that is a number, else what the access and it share. */
function shownPart(range: WatchedRange, { address, size }: DataReference): Part {
  if (range.length <= LONGEST_VALUE) return range;
  const start = Math.max(range.address, address);
  return { address: start, length: Math.min(range.address + range.length, address + size) - start };
}

function read({ space }: Hart, { address, length }: Part): bigint {
  return space.peek(address, length).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

const hexadecimal = (value: bigint, bytes: number): string =>
  `0x${value.toString(16).padStart(2 * bytes, '0')}`;
