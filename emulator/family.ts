import { TIMEBASE_HZ } from './engine/csr';
import { Engine, type EngineKind } from './engine/engine';
import { RegionStore } from './engine/translator/region-store';
import { Engines } from './engines';
import { hostClock } from './linux/clock';
import type { LinuxSystem, SystemOptions } from './linux/system';
import type { MachineOptions } from './machine-options';
import type { AddressSpace } from './memory/address-space';
import type { ScheduledOptions } from './scheduled';

/**
 * Who has delta tables, of all machines of a family. They are few: the space that has not run for the longest time gives
 * its own up.
 */
export class TableHolders {
  /** The one used last at the end. */
  private readonly spaces: AddressSpace[] = [];
  /** Its tables stay: harts on other threads may share them. */
  private staying: AddressSpace | undefined;

  /** The tables of this space are never taken away, unless another space has that right already. */
  keep(space: AddressSpace): void {
    this.staying ??= space;
  }

  /**
   * Gives a space tables, as the one that is used last.
   * @returns false when all are in use
   */
  use(space: AddressSpace): boolean {
    const { spaces } = this;
    if (spaces.at(-1) === space) return true;
    const place = this.place(space);
    if (place >= 0) takeOut(spaces, place);
    else if (!this.give(space)) return false;
    spaces.push(space);
    return true;
  }

  /** Gives a space tables that somebody else looks after. */
  give(space: AddressSpace): boolean {
    while (!space.takeTables()) {
      const oldest = this.spaces.findIndex((other) => other !== this.staying);
      if (oldest < 0) return false;
      this.spaces[oldest].releaseTables();
      this.spaces.splice(oldest, 1);
    }
    return true;
  }

  /** Takes a space's tables away when it has any. */
  take(space: AddressSpace): void {
    if (this.forget(space)) space.releaseTables();
  }

  /** The space's tables are looked after by somebody else, or go with it. False when it has none from here. */
  forget(space: AddressSpace): boolean {
    const place = this.place(space);
    if (place < 0) return false;
    takeOut(this.spaces, place);
    return true;
  }

  /** Where a space stands, −1 = nowhere. Looked for by hand: the host's own search takes ten times as long for a few. */
  private place(space: AddressSpace): number {
    let at = this.spaces.length - 1;
    while (at >= 0 && this.spaces[at] !== space) at -= 1;
    return at;
  }
}

/** Takes one element out of a list, as `splice` does, without making an array of it: harts come and go by the microsecond. */
export function takeOut(list: unknown[], at: number): void {
  for (let i = at + 1; i < list.length; i++) list[i - 1] = list[i];
  list.pop();
}

/** What the machines of a family share beside their arena. They run on one thread, one at a time. */
export interface Family {
  readonly engines: Engines;
  readonly tables: TableHolders;
}

/** Checks are made by the interpreter: translated code writes no accesses down. */
export function engineKind({ raceCheck, engine = 'auto' }: MachineOptions): EngineKind {
  return raceCheck ? 'interpreter' : engine;
}

/** What a machine and its forks share: the pool's threads have an engine each, the processes share the others. */
export function beginFamily(options: MachineOptions, space: AddressSpace): Family {
  const { clock = hostClock, pool, profile = false } = options;
  const nanosecondsPerTick = 1_000_000_000n / BigInt(TIMEBASE_HZ);
  const environment = { time: () => clock.monotonic() / nanosecondsPerTick };
  const kind = engineKind(options);
  const threads = pool?.threads ?? 0;
  const parts = space.arena.counts.codeTables;
  const store = kind === 'interpreter' ? undefined : new RegionStore();
  const makeEngine = (root: AddressSpace, index: number): Engine =>
    new Engine(root, environment, { index, of: parts, counts: profile }, kind, store);
  let next = 1 + threads;
  return {
    engines: new Engines(makeEngine(space, 0), space, parts - threads, (root) =>
      makeEngine(root, next++),
    ),
    tables: new TableHolders(),
  };
}

/** What the forks of a machine are made of: the same for each of them, so that it is made once. */
export interface ForkOptions {
  readonly machine: ScheduledOptions;
  readonly system: SystemOptions;
}

/**
 * What a machine's forks are made of. Only the first machine of a family has threads, and one schedule is of one machine.
 * Processes of a fork are its own, in the same files.
 */
export function forkOptions(options: ScheduledOptions, former: LinuxSystem): ForkOptions {
  const machine = { ...options };
  for (const name of ['pool', 'workspaces', 'interleaving', 'raceCheck', 'profile'] as const) {
    delete machine[name];
  }
  const { stdin, stdout, stderr } = options.streams;
  // Signals of a terminal go to the machine that was there first.
  const streams = {
    stdin: {
      isTerminal: stdin.isTerminal,
      read: (max: number, timedOut?: boolean) => stdin.read(max, timedOut),
    },
    stdout: { isTerminal: stdout.isTerminal, write: (bytes: Uint8Array) => stdout.write(bytes) },
    stderr: { isTerminal: stderr.isTerminal, write: (bytes: Uint8Array) => stderr.write(bytes) },
  };
  const system = { ...machine, streams, files: former.tree, kin: former.processes };
  return { machine, system };
}
