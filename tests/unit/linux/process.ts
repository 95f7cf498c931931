import { parseElf } from '../../../emulator/elf/parse';
import { HartState } from '../../../emulator/engine/hart-state';
import type { SyscallOutcome } from '../../../emulator/linux/call';
import type { Clock } from '../../../emulator/linux/clock';
import { LinuxKernel, type KernelOptions } from '../../../emulator/linux/kernel';
import type { InputStream, OutputStream } from '../../../emulator/linux/streams';
import { systemCallNumber } from '../../../emulator/linux/syscalls/table';
import { AddressSpace, READ, WRITE } from '../../../emulator/memory/address-space';
import { ArenaPool } from '../../../emulator/memory/arena-pool';
import { makeElf } from '../elf/elf-file';

const pool = new ArenaPool({ frames: 2048, tablePairs: 1, codeTables: 0, recordBytes: 0 });
const live: AddressSpace[] = [];

/** Gives the arenas of a test's processes back; for afterEach. */
export function endProcesses(): void {
  for (const space of live.splice(0)) pool.giveBack(space.arena);
}

/** A clock that stands still until it is moved, in milliseconds. */
class TestClock implements Clock {
  milliseconds = 1_000_000;

  realtime(): bigint {
    return 1_700_000_000_000_000_000n + BigInt(Math.round(this.milliseconds * 1e6));
  }

  monotonic(): bigint {
    return BigInt(Math.round(this.milliseconds * 1e6));
  }
}

/** Input from bytes; `wait` while it is open and empty. */
class TestInput implements InputStream {
  readonly isTerminal = false;
  private readonly chunks: Uint8Array[] = [];
  private closed = false;

  give(text: string): this {
    this.chunks.push(Buffer.from(text));
    return this;
  }

  end(): this {
    this.closed = true;
    return this;
  }

  read(max: number): Uint8Array | 'wait' | 'eof' {
    const first = this.chunks[0];
    if (first === undefined) return this.closed ? 'eof' : 'wait';
    if (first.length <= max) this.chunks.shift();
    else this.chunks[0] = first.subarray(max);
    return first.slice(0, max);
  }

  available(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  readable(): boolean {
    return this.closed || this.chunks.length > 0;
  }
}

/** Output that is kept. `answer` replaces what a write answers. */
class TestOutput implements OutputStream {
  readonly isTerminal = false;
  answer: ((bytes: Uint8Array) => number | 'wait') | undefined;
  private readonly pieces: Uint8Array[] = [];

  write(bytes: Uint8Array): number | 'wait' {
    const taken = this.answer === undefined ? bytes.length : this.answer(bytes);
    if (typeof taken === 'number' && taken > 0) this.pieces.push(bytes.slice(0, taken));
    return taken;
  }

  get text(): string {
    return Buffer.concat(this.pieces).toString();
  }
}

/** Where tests put strings and structures: 64 KiB of the guest's memory. */
export const DATA = 0x10_0000;
const DATA_SIZE = 0x1_0000;
const A0 = 10;
const A7 = 17;

/** A process whose system calls a test makes by hand, as a hart at an ecall would. */
export class TestProcess {
  readonly space: AddressSpace;
  readonly hart: HartState;
  readonly kernel: LinuxKernel;
  readonly clock = new TestClock();
  readonly stdin = new TestInput();
  readonly stdout = new TestOutput();
  readonly stderr = new TestOutput();
  readonly log: string[] = [];
  sp = 0;

  constructor(options: Partial<KernelOptions> = {}) {
    this.space = AddressSpace.create(pool.take(), { tables: false });
    live.push(this.space);
    const { arena } = this.space;
    this.hart = new HartState(arena.memory, arena.hartAddress(arena.allocateHarts()));
    this.kernel = new LinuxKernel({
      space: this.space,
      streams: { stdin: this.stdin, stdout: this.stdout, stderr: this.stderr },
      clock: this.clock,
      random: (bytes) => bytes.fill(7),
      log: (text) => this.log.push(text),
      ...options,
    });
    this.space.map(DATA, DATA_SIZE, READ | WRITE);
    this.hart.pc = 0x1_0000;
  }

  /** Starts a program of one segment. */
  start(args: readonly string[] = ['program'], environment: readonly string[] = []): this {
    const segments = [{ address: 0x1_0000, content: new Uint8Array(16), memorySize: 0x2000 }];
    const start = this.kernel.start(parseElf(makeElf({ segments })), args, environment);
    this.sp = start.sp;
    this.hart.pc = start.pc;
    return this;
  }

  /** Makes a system call; what it came to. The arguments stay for another try when it is parked. */
  outcome(name: string | number, ...args: readonly (number | bigint)[]): SyscallOutcome {
    const number = typeof name === 'number' ? name : systemCallNumber(name);
    this.hart.setX(A7, BigInt(number));
    for (let i = 0; i < 6; i++) {
      this.hart.setX(A0 + i, BigInt.asUintN(64, BigInt(args[i] ?? 0)));
    }
    return this.again();
  }

  /** Tries a parked call again. */
  again(): SyscallOutcome {
    const outcome = this.kernel.syscall(this.hart);
    if (outcome.kind === 'done') {
      if (outcome.pcSet !== true) this.hart.pc += 4;
      this.hart.instret += 1;
    }
    return outcome;
  }

  /** Makes a system call that ends at once; its result. */
  call(name: string | number, ...args: readonly (number | bigint)[]): number {
    const outcome = this.outcome(name, ...args);
    if (outcome.kind !== 'done') throw new Error(`${name}: ${JSON.stringify(outcome)}`);
    return this.result;
  }

  /** a0 as a signed number. */
  get result(): number {
    return Number(BigInt.asIntN(64, this.hart.x(A0)));
  }

  /** Puts a NUL-terminated string into the guest's memory. */
  text(text: string, address = DATA): number {
    this.space.write(address, Buffer.from(`${text}\0`));
    return address;
  }

  bytes(address: number, length: number): Uint8Array {
    return this.space.read(address, length);
  }

  u64(address: number): number {
    return this.space.readNumber64(address) ?? NaN;
  }
}
