import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineKind } from '../../emulator/engine/engine';
import { makeBatch, readOutcomes, type Batch, type Outcome, type Program } from './batch';
import { EVERYTHING, GuestHart, READ_EXECUTE, READ_WRITE, TESTED_ENGINE } from './guest-hart';
import type { Random } from './random';

/** Something that runs RISC-V programs: our engine in one of its ways of running, or another emulator. */
export interface Driver {
  readonly name: string;
  /** Runs the programs one after the other. */
  run(batch: Batch): Outcome[];
}

export const runOne = (driver: Driver, program: Program): Outcome =>
  driver.run(makeBatch([program]))[0];

/** How the engine is driven: in long runs, in single steps, or by random budgets. */
export type Pace = 'run' | 'step' | { readonly random: Random };

const SYSCALL_WRITE = 64n;
/** No batch runs so long: forward branches only. */
const LIMIT = 20_000_000;

/** The engine, on an address space in a pooled arena. */
export class EngineDriver implements Driver {
  readonly name: string;
  /** Instructions of the programs themselves that it has run. */
  instructions = 0;

  /** How many of them, and of what surrounds them, ran in translated code. */
  translatedInstructions = 0;

  constructor(
    private readonly pace: Pace,
    private readonly engine: EngineKind = TESTED_ENGINE,
  ) {
    this.name = `${engine} (${typeof pace === 'string' ? pace : 'random budgets'})`;
  }

  run(batch: Batch): Outcome[] {
    const hart = new GuestHart({ engine: this.engine });
    try {
      for (const { address, bytes, executable, writable } of batch.segments) {
        const protection = executable ? (writable ? EVERYTHING : READ_EXECUTE) : READ_WRITE;
        hart.load(address, bytes, protection);
      }
      hart.state.pc = batch.entry;
      const output = this.untilExit(hart);
      this.instructions += hart.state.instret - batch.overhead;
      this.translatedInstructions += hart.engine.stats.translatedInstructions;
      return readOutcomes(batch, output);
    } finally {
      hart.close();
    }
  }

  private untilExit(hart: GuestHart): Uint8Array {
    const { state, space } = hart;
    let output = new Uint8Array();
    while (state.instret < LIMIT) {
      const stop = hart.run(this.budget());
      if (stop.kind === 'fuel') continue;
      if (stop.kind !== 'ecall') {
        const what = JSON.stringify(stop);
        throw new Error(`${this.name} stopped at pc 0x${state.pc.toString(16)}: ${what}`);
      }
      state.pc += 4;
      state.instret += 1;
      if (state.x(17) !== SYSCALL_WRITE) return output;
      output = space.read(state.xNumber(11), state.xNumber(12));
    }
    throw new Error(`${this.name} did not end within ${LIMIT} instructions`);
  }

  private budget(): number {
    if (this.pace === 'run') return 1_000_000;
    if (this.pace === 'step') return 1;
    return 1 + this.pace.random.below(this.pace.random.oneIn(4) ? 1000 : 20);
  }
}

export const QEMU = 'qemu-riscv64-static';
/** QEMU 7.2 has no Zicond and no Zcb. */
const CPU = 'rv64,zba=true,zbb=true,zbc=true,zbs=true,Zfh=true';

/** Why QEMU cannot be used here, or undefined. */
export function qemuMissing(): string | undefined {
  const { error } = spawnSync(QEMU, ['--version']);
  return error && `${QEMU} is not installed (on Debian: sudo apt-get install qemu-user-static)`;
}

/** QEMU's user-mode emulation of a whole batch as one process. */
export class QemuDriver implements Driver {
  readonly name = QEMU;

  run(batch: Batch): Outcome[] {
    const directory = mkdtempSync(join(tmpdir(), 'hartscope-streams-'));
    try {
      const file = join(directory, 'batch.elf');
      writeFileSync(file, batch.elf, { mode: 0o755 });
      const output = execFileSync(QEMU, ['-cpu', CPU, file], { maxBuffer: 2 * batch.dataBytes });
      return readOutcomes(batch, output);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}
