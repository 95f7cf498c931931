import { Arena, type ArenaOptions } from './arena';

/**
 * Arenas to use again. A process can have only so many shared memories (Node 20 fails at about 13,000 live
 * ones, and gives them back late), so whoever makes many short machines, as tests do, borrows their arenas.
 */
export class ArenaPool {
  private readonly free: Arena[] = [];

  /** @param options what each arena of the pool holds */
  constructor(private readonly options: ArenaOptions) {}

  /**
   * An arena as good as new, to be given back with `giveBack`.
   * @throws ArenaError when a new one is needed and the host has no memory for it
   */
  take(): Arena {
    return this.free.pop() ?? Arena.create(this.options);
  }

  /** Takes back an arena that nobody uses any more; its spaces and frames are gone. */
  giveBack(arena: Arena): void {
    arena.reset();
    this.free.push(arena);
  }
}
