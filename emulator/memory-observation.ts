import type { MemoryObserver } from './debug/target';
import type { AccessLog, AccessObserver } from './engine/access-log';
import type { Engine } from './engine/engine';
import type { HartObserver } from './harts';
import type { AddressSpace } from './memory/address-space';
import type { Hart } from './multiprocess/hart';

/**
 * Tells somebody about every access to memory of all harts, while they run in turns on one thread: the engines write
 * access logs, the address spaces tell what the kernel and the embedder write.
 */
export class MemoryObservation implements HartObserver, AccessObserver {
  private reader: Hart | undefined;
  /** Engines that write logs, and spaces that have the hook: to be left as they were. */
  private readonly engines = new Set<Engine>();
  private readonly spaces = new Set<AddressSpace>();

  /** @param engineOf what runs a hart */
  constructor(
    private readonly engineOf: (hart: Hart) => Engine,
    private readonly observer: MemoryObserver,
  ) {}

  accesses(log: AccessLog): void {
    if (this.reader) this.observer.accesses(this.reader, log);
  }

  made({ space }: Hart): void {
    this.look(space);
  }

  entered(hart: Hart): void {
    this.reader = hart;
    const engine = this.engineOf(hart);
    this.engines.add(engine);
    engine.observe(this);
    this.look(hart.space);
  }

  calls({ space }: Hart): void {
    this.look(space);
  }

  returned(): void {
    // What the call has written was told at once.
  }

  ended({ space }: Hart): void {
    this.spaces.delete(space);
  }

  /** Nobody is told any more. */
  end(): void {
    for (const engine of this.engines) engine.observe(undefined);
    for (const { hooks } of this.spaces) delete hooks.onHostWrite;
  }

  private look(space: AddressSpace): void {
    if (this.spaces.has(space) && space.hooks.onHostWrite) return;
    this.spaces.add(space);
    space.hooks.onHostWrite = (page, isForced) => this.observer.hostWrote(space, page, isForced);
  }
}
