import { Engine, type EngineKind, type EngineStop } from '../../emulator/engine/engine';
import { HartState } from '../../emulator/engine/hart-state';
import { AddressSpace, EXECUTE, READ, WRITE } from '../../emulator/memory/address-space';
import type { Arena, ArenaOptions } from '../../emulator/memory/arena';
import { ArenaPool } from '../../emulator/memory/arena-pool';

/** Enough for the tests' programs; small, so that many of them fit. */
const ARENA: ArenaOptions = { frames: 16384, tablePairs: 1, codeTables: 1, harts: 4, spaces: 4 };
const pools = new Map<number, ArenaPool>();

function poolOf(recordBytes: number): ArenaPool {
  let pool = pools.get(recordBytes);
  if (!pool) pools.set(recordBytes, (pool = new ArenaPool({ ...ARENA, recordBytes })));
  return pool;
}

/** The engine that tests without a choice of their own run on (vitest.config.ts runs them on both). */
export const TESTED_ENGINE: EngineKind =
  process.env.HARTSCOPE_ENGINE === 'translator' ? 'translator' : 'interpreter';

export const READ_WRITE = READ | WRITE;
export const READ_EXECUTE = READ | EXECUTE;
export const EVERYTHING = READ | WRITE | EXECUTE;

/** Ticks of the `time` CSR in tests. */
export const TEST_TIME = 0x0123456789abcdefn;

/**
 * One hart on an address space of its own, without a kernel: whoever uses it maps memory and serves the
 * stops. Its arena comes from a pool and goes back with `close`.
 */
export class GuestHart {
  readonly arena: Arena;
  readonly space: AddressSpace;
  readonly engine: Engine;
  readonly state: HartState;
  private readonly pool: ArenaPool;

  constructor({ recordBytes = 16 * 2 ** 20, engine = TESTED_ENGINE } = {}) {
    this.pool = poolOf(recordBytes);
    this.arena = this.pool.take();
    this.space = AddressSpace.create(this.arena);
    this.engine = new Engine(this.space, { time: () => TEST_TIME }, undefined, engine);
    const index = this.arena.allocateHarts(1);
    this.state = new HartState(this.arena.memory, this.arena.hartAddress(index));
    this.space.hart = index;
    this.engine.attach(this.state);
  }

  close(): void {
    this.pool.giveBack(this.arena);
  }

  /** Maps the pages that `bytes` lie on and copies them there, whatever the protection. */
  load(address: number, bytes: Uint8Array, protection: number): void {
    const first = address & -4096;
    const end = Math.ceil((address + bytes.length) / 4096) * 4096;
    this.space.map(first >>> 0, end - (first >>> 0), protection);
    this.space.poke(address, bytes);
  }

  run(budget: number): EngineStop {
    return this.engine.run(this.state, budget);
  }

  /** At most `budget` instructions, one call of the engine for each. */
  steps(budget: number): EngineStop {
    for (let left = budget; left > 0; left--) {
      const stop = this.engine.run(this.state, 1);
      if (stop.kind !== 'fuel') return stop;
    }
    return { kind: 'fuel' };
  }

  snapshot(): Snapshot {
    return snapshotOf(this.state);
  }
}

export interface Snapshot {
  readonly pc: number;
  readonly instret: number;
  readonly fcsr: number;
  readonly x: readonly bigint[];
  readonly f: readonly bigint[];
}

/** pc, registers, fcsr and instruction count of a hart, to compare with another's. */
export function snapshotOf(state: HartState): Snapshot {
  const numbers = Array.from({ length: 32 }, (_, n) => n);
  return {
    pc: state.pc,
    instret: state.instret,
    fcsr: state.fcsr,
    x: numbers.map((n) => state.x(n)),
    f: numbers.map((n) => state.f(n)),
  };
}
