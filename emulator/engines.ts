import type { Engine } from './engine/engine';
import type { AddressSpace } from './memory/address-space';

/** Addresses where harts stop before an instruction, whichever engine runs them. */
export class StopAddresses {
  private readonly addresses = new Set<number>();

  /** @param engines those that run something; the others learn of the addresses when they begin */
  constructor(private readonly engines: () => readonly Engine[]) {}

  list(): Iterable<number> {
    return this.addresses;
  }

  has(address: number): boolean {
    return this.addresses.has(address);
  }

  add(address: number): void {
    this.addresses.add(address);
    for (const { code } of this.engines()) code.setBreakpoint(address);
  }

  delete(address: number): void {
    this.addresses.delete(address);
    for (const { code } of this.engines()) code.clearBreakpoint(address);
  }
}

/**
 * Which engine runs which process. Processes that were forked and still run the same code share one, with all that it
 * has decoded. Engines are few: who has not run for the longest time gives its own up, and decodes again later.
 */
export class Engines {
  /** Where harts of all processes stop before an instruction. */
  readonly stops = new StopAddresses(() => this.used);
  private readonly bySpace = new Map<AddressSpace, Engine>();
  /** The one used last at the end. */
  private used: Engine[] = [];
  private readonly free: Engine[] = [];
  /** What `of` was asked for last, as long as nothing else has been used since. */
  private recent: { readonly root: AddressSpace; readonly engine: Engine } | undefined;

  /**
   * @param first the first process's, which keeps it
   * @param most how many there can be
   * @param make makes one more
   */
  constructor(
    private readonly first: Engine,
    root: AddressSpace,
    private readonly most: number,
    private readonly make: (root: AddressSpace) => Engine,
  ) {
    this.bySpace.set(root, first);
    this.keep(first);
  }

  /** All that were made. */
  get all(): readonly Engine[] {
    return [...this.used, ...this.free];
  }

  /** The engine for the harts of a process whose own space is `root`. */
  of(root: AddressSpace): Engine {
    if (this.recent?.root === root) return this.recent.engine;
    const known = this.bySpace.get(root);
    if (known) {
      if (this.used.at(-1) !== known) this.use(known);
      this.recent = { root, engine: known };
      return known;
    }
    const engine = this.free.pop() ?? this.oneMore(root) ?? this.takeOldest();
    engine.begin(root, this.stops.list());
    this.bySpace.set(root, engine);
    this.keep(engine);
    return engine;
  }

  /** A fork begins with what its parent has decoded. */
  share(parent: AddressSpace, child: AddressSpace): void {
    const engine = this.of(parent);
    engine.addRoot(child);
    this.bySpace.set(child, engine);
  }

  /** The process's code is no longer that of the others that share its engine: it gets one of its own. */
  separate(root: AddressSpace): void {
    const engine = this.bySpace.get(root);
    if (engine && engine.rootCount > 1) this.release(root);
  }

  /** A process's space has ended. */
  release(root: AddressSpace): void {
    const engine = this.bySpace.get(root);
    if (!engine) return;
    this.bySpace.delete(root);
    this.recent = undefined;
    engine.removeRoot(root);
    if (engine.rootCount > 0) return;
    this.used = this.used.filter((other) => other !== engine);
    this.free.push(engine);
  }

  private keep(engine: Engine): void {
    engine.onDiverge = (root) => this.separate(root);
    this.use(engine);
  }

  private use(engine: Engine): void {
    this.used = [...this.used.filter((other) => other !== engine), engine];
    this.recent = undefined;
  }

  private oneMore(root: AddressSpace): Engine | undefined {
    return this.used.length < this.most ? this.make(root) : undefined;
  }

  private takeOldest(): Engine {
    const oldest = this.used.find((engine) => engine !== this.first) ?? this.first;
    for (const [root, engine] of [...this.bySpace]) if (engine === oldest) this.release(root);
    const taken = this.free.pop();
    if (!taken) throw new Error('no engine is left for another process');
    return taken;
  }
}
