import { LOG_KIND, LogEntry, type AccessLog, type AccessObserver } from './engine/access-log';
import type { Engine } from './engine/engine';
import { HartState } from './engine/hart-state';
import type { Harts } from './harts';
import { ERRNO } from './linux/abi/errno';
import type { AddressSpace } from './memory/address-space';
import { HART } from './memory/layout';
import { MULTIPROCESS_CALLS } from './multiprocess/abi';
import type { FoundStore } from './multiprocess/conflicts';
import type { Hart } from './multiprocess/hart';
import type { Beginning, FindStores } from './multiprocess/workspace';
import { workspaceCall } from './multiprocess/workspace-calls';

const A0 = 10;
const A7 = 17;
const ECALL_BYTES = 4;
const EXIT_CALLS = new Set([93, 94]);
/** Calls that make other vCPUs, whose end it would have to wait for. */
const TASK_CALLS: ReadonlySet<number> = new Set([
  MULTIPROCESS_CALLS.multiprocess,
  MULTIPROCESS_CALLS.multiprocess_start,
  MULTIPROCESS_CALLS.multiprocess_join,
  MULTIPROCESS_CALLS.multiprocess_poll,
]);
const QUANTUM = 1_000_000;
/** All vCPUs of a machine together: where conflicting stores are is worth a second or two. */
const MOST_INSTRUCTIONS = 100_000_000;
/** What beginning to run one again counts for. */
const START_COST = 1_000_000;

/** Notes the last store to each of some addresses. */
class StoreFinder implements AccessObserver {
  readonly found = new Map<number, FoundStore>();
  private readonly entry = new LogEntry();
  private readonly wanted: ReadonlySet<number>;
  private readonly lowest: number;
  private readonly highest: number;

  constructor(addresses: readonly number[]) {
    this.wanted = new Set(addresses);
    this.lowest = addresses.reduce((least, address) => Math.min(least, address), Infinity);
    this.highest = addresses.reduce((most, address) => Math.max(most, address), 0);
  }

  accesses(log: AccessLog): void {
    for (let n = 0; n < log.length; n++) {
      const { kind, address, size, pc, instret } = log.read(n, this.entry);
      if (kind === LOG_KIND.load || kind === LOG_KIND.loadReserved || kind === LOG_KIND.fence)
        continue;
      if (address > this.highest || address + size <= this.lowest) continue;
      for (let byte = address; byte < address + size; byte++) {
        if (this.wanted.has(byte)) this.found.set(byte, { pc, instructions: instret });
      }
    }
  }
}

/** Runs vCPUs of workspaces again from their beginning, on which alone their run depends. */
export class Replays {
  /** Instructions that may still be run again. */
  private left = MOST_INSTRUCTIONS;

  /** @param enter points the machine at a hart again */
  constructor(
    private readonly engineOf: (owner: Hart) => Engine,
    private readonly harts: Harts,
    private readonly enter: (hart: Hart) => void,
  ) {}

  /**
   * Finds a vCPU's last stores to `addresses`.
   * @param owner the task's, whose call is being served
   * @param space a fork of the snapshot; it is written, and left without delta tables
   * @returns undefined when the run depends on other harts, or enough has been run again
   */
  findStores(
    owner: Hart,
    ...[space, beginning, addresses]: Parameters<FindStores>
  ): ReturnType<FindStores> {
    if (beginning.instructions > this.left) return undefined;
    const { arena } = space;
    const index = arena.allocateHarts();
    if (index < 0) return undefined;
    try {
      if (!this.harts.giveTables(space)) return undefined;
      this.left -= beginning.instructions + START_COST;
      const state = new HartState(arena.memory, arena.hartAddress(index));
      return this.find(this.engineOf(owner), state, space, beginning, addresses);
    } finally {
      space.releaseTables();
      arena.freeHart(index);
      this.enter(owner);
    }
  }

  private find(
    engine: Engine,
    state: HartState,
    ...[space, beginning, addresses]: Parameters<FindStores>
  ): ReturnType<FindStores> {
    state.bytes(0, HART.size).set(beginning.context);
    state.setField(HART.eventStop, 0);
    const finder = new StoreFinder(addresses);
    engine.watchCode(space);
    engine.attach(state, space);
    engine.observe(finder);
    try {
      return runAgain(engine, space, state, beginning) ? finder.found : undefined;
    } finally {
      engine.observe(undefined);
    }
  }
}

/** @returns whether it has come to where it ended */
function runAgain(
  engine: Engine,
  space: AddressSpace,
  state: HartState,
  { id, vcpus, instructions }: Beginning,
): boolean {
  let printed = 0;
  let through = false;
  while (state.instret < instructions) {
    const stop = engine.run(state, Math.min(QUANTUM, instructions - state.instret), through);
    through = stop.kind === 'breakpoint' || stop.kind === 'watch';
    if (stop.kind === 'fuel' || through) continue;
    // Whatever else it is, it has ended the vCPU.
    if (stop.kind !== 'ecall') return true;
    const number = state.xNumber(A7);
    if (number === MULTIPROCESS_CALLS.multiprocess_wait || EXIT_CALLS.has(number)) return true;
    if (TASK_CALLS.has(number)) return false;
    const outcome = workspaceCall({ state, space, memory: space, id, vcpus, printed });
    const isServed = outcome.kind === 'done';
    if (isServed) for (const { bytes } of outcome.output) printed += bytes.length;
    const value = isServed ? outcome.value : -ERRNO.EPERM;
    state.setX(A0, BigInt.asUintN(64, BigInt(value)));
    state.pc += ECALL_BYTES;
    state.instret += 1;
    state.clearReservation();
  }
  return true;
}
