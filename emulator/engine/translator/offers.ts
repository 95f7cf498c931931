import type { StoredModule } from './region-store';

/** Modules that other threads have translated and this one has not met yet, at most so many bytes of WebAssembly. */
const MOST_BYTES = 16 * 2 ** 20;

/** The modules that are there to be taken, by the addresses at which their regions begin. */
export class Offers {
  private readonly byEntry = new Map<number, StoredModule>();
  /** The oldest first. */
  private readonly modules = new Set<StoredModule>();
  private bytes = 0;

  add(module: StoredModule): void {
    this.modules.add(module);
    this.bytes += module.bytes.length;
    for (const pc of module.entries) this.byEntry.set(pc, module);
    for (const oldest of this.modules) {
      if (this.bytes <= MOST_BYTES) return;
      this.remove(oldest);
    }
  }

  /** Takes the module of the region at `pc`; undefined when there is none. */
  take(pc: number): StoredModule | undefined {
    const module = this.byEntry.get(pc);
    if (module) this.remove(module);
    return module;
  }

  /** Whether a region begins at an address for which this holds. */
  some(holds: (pc: number) => boolean): boolean {
    return [...this.byEntry.keys()].some(holds);
  }

  private remove(module: StoredModule): void {
    this.modules.delete(module);
    this.bytes -= module.bytes.length;
    for (const pc of module.entries) {
      if (this.byEntry.get(pc) === module) this.byEntry.delete(pc);
    }
  }
}
