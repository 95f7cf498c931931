import type { AddressSpace } from '../memory/address-space';
import type { AccessLog } from '../engine/access-log';
import type { Hart } from '../multiprocess/hart';
import { PageWrites, type FrameWrite } from './page-writes';
import type { WriteTrackingInfo } from './protocol';
import type { DebugTarget, MemoryObserver } from './target';

/** A speed is told when so many instructions were measured. */
const LEAST_MEASURED = 20_000;
/** Speeds are compared when so many were measured of both: a short run is mostly its start. */
const LEAST_COMPARED = 1_000_000;
/** With so many measured, older ones count half: programs have phases. */
const MANY = 50_000_000;

/** Instructions and the host's milliseconds that they took. */
class Speed {
  private instructions = 0;
  private milliseconds = 0;

  add(instructions: number, milliseconds: number): void {
    if (this.instructions > MANY) {
      this.instructions /= 2;
      this.milliseconds /= 2;
    }
    this.instructions += instructions;
    this.milliseconds += milliseconds;
  }

  /** Whether enough was measured to compare it with another. */
  get isSure(): boolean {
    return this.instructions >= LEAST_COMPARED;
  }

  /** Millions of instructions in a second; undefined while too few were measured. */
  get mips(): number | undefined {
    if (this.instructions < LEAST_MEASURED || this.milliseconds === 0) return undefined;
    return this.instructions / this.milliseconds / 1000;
  }
}

/**
 * Write tracking: who wrote each page first since the last stop, and who last. Off, it costs nothing; on, every store
 * is written down, and how much slower that is than without is measured in the same program.
 */
export class WriteTracking implements MemoryObserver {
  private target: DebugTarget | undefined;
  private writes: PageWrites | undefined;
  private wanted = false;
  private plain = new Speed();
  private tracked = new Speed();

  /** Another program; whether writes are tracked stays as it was. */
  attach(target: DebugTarget): void {
    this.target = target;
    this.writes = undefined;
    this.plain = new Speed();
    this.tracked = new Speed();
    if (this.wanted && !isObserved(target)) this.begin(target);
  }

  /**
   * Begins or ends tracking; what was known is forgotten with the end.
   * @throws Error when the run is checked for races or counted
   */
  set(target: DebugTarget, isOn: boolean): void {
    if (isOn && !this.writes) this.begin(target);
    else if (!isOn && this.writes) {
      target.observeMemory(undefined);
      this.writes = undefined;
      this.tracked = new Speed();
    }
    this.wanted = isOn;
  }

  get info(): WriteTrackingInfo {
    const isOn = this.writes !== undefined;
    const { mips: plain } = this.plain;
    const mips = isOn ? this.tracked.mips : undefined;
    const isSure = this.plain.isSure && this.tracked.isSure;
    return {
      isOn,
      ...(mips !== undefined && { mips }),
      ...(isSure && mips !== undefined && plain !== undefined && { slowdown: plain / mips }),
    };
  }

  /** The machine has run for so long. */
  ran(instructions: number, milliseconds: number): void {
    (this.writes ? this.tracked : this.plain).add(instructions, milliseconds);
  }

  /** A run begins: what it writes first is told until the next one. */
  starts(): void {
    this.writes?.begins();
  }

  firstOf(space: AddressSpace, page: number): FrameWrite | undefined {
    return this.writes?.firstOf(space, page);
  }

  lastOf(space: AddressSpace, page: number): FrameWrite | undefined {
    return this.writes?.lastOf(space, page);
  }

  accesses({ index, space }: Hart, log: AccessLog): void {
    this.writes?.read(index, space, log);
  }

  hostWrote(space: AddressSpace, page: number, isForced: boolean): void {
    const hart =
      this.target?.liveHarts.find(({ index }) => index === space.hart) ??
      this.target?.liveHarts.find((each) => each.space === space);
    if (!hart) return;
    const { pc, instret } = hart.state;
    this.writes?.hostWrote(space, page, isForced ? 'host' : 'call', hart.index, { pc, instret });
  }

  private begin(target: DebugTarget): void {
    const writes = new PageWrites(target.arena);
    target.observeMemory(this);
    this.writes = writes;
  }
}

/** Whether the run is checked for races or counted, so that nothing else can watch it. */
const isObserved = ({ races, profile }: DebugTarget): boolean =>
  races !== undefined || profile !== undefined;
