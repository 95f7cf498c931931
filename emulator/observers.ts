import type { MemoryObserver } from './debug/target';
import { CountingHeap } from './engine/counting-heap';
import type { Engine } from './engine/engine';
import { countingPlace } from './engine/engine-part';
import type { Engines } from './engines';
import type { Harts } from './harts';
import type { LinuxKernel } from './linux/kernel';
import type { MachineOptions } from './machine-options';
import { MemoryObservation } from './memory-observation';
import type { Hart } from './multiprocess/hart';
import type { CountTimes } from './profile/count-times';
import type { Profile } from './profile/model';
import { Profiler } from './profile/profiler';
import { RaceCheck } from './races/race-check';
import type { RaceReport } from './races/report';

/** What looks at everything that a machine's harts do: the race check, the profiler, or a debugger. One at a time. */
export class Observers {
  private readonly raceCheck: RaceCheck | undefined;
  private readonly profiler: Profiler | undefined;
  private observation: MemoryObservation | undefined;
  private readonly engineOf = (hart: Hart): Engine => this.engines.of(hart.owner.space);

  /** @throws Error for options that exclude each other */
  constructor(
    private readonly harts: Harts,
    private readonly engines: Engines,
    kernel: LinuxKernel,
    { raceCheck = false, profile }: MachineOptions,
  ) {
    if (raceCheck !== false && profile === true) {
      throw new Error('one run cannot both look for races and count: run the program twice');
    }
    const { arena } = harts.main.space;
    if (raceCheck !== false) {
      const clearsAt = (hart: Hart): number => kernel.thread(hart.state).clearChildTid;
      const options = raceCheck === true ? {} : raceCheck;
      this.raceCheck = new RaceCheck(engines.of(kernel.space), arena, clearsAt, options);
    } else if (profile === true) {
      const heap = new CountingHeap(arena.memory, countingPlace(arena));
      this.profiler = new Profiler(this.engineOf, heap);
    }
    const observer = this.raceCheck ?? this.profiler;
    if (!observer) return;
    harts.observer = observer;
    observer.made(harts.main);
  }

  /** Whether a debugger is told each access: then all harts run on the machine's own thread. */
  get seesMemory(): boolean {
    return this.observation !== undefined;
  }

  /** What was counted so far, by harts that stand; undefined when nothing is. */
  get profile(): Pick<Profile, 'harts'> | undefined {
    return this.profiler && { harts: this.profiler.harts() };
  }

  /** From now on counts are known by host time, too; undefined when nothing is counted. */
  keepCountTimes(): CountTimes | undefined {
    return this.profiler?.keepTimes();
  }

  /** What the race check has found so far; undefined without one. */
  get races(): RaceReport | undefined {
    return this.raceCheck?.report();
  }

  /**
   * Tells a debugger each access from now on, or nobody any more. Every hart stands.
   * @throws Error in a run with a race check or counts
   */
  observeMemory(observer: MemoryObserver | undefined): void {
    if (this.raceCheck ?? this.profiler) {
      throw new Error('The run is checked for races or counted already: restart it without that.');
    }
    const { harts } = this;
    this.observation?.end();
    this.observation = observer && new MemoryObservation(this.engineOf, observer);
    harts.observer = this.observation;
    for (const hart of harts.list()) this.observation?.made(hart);
  }
}
