import { assemble } from '../../emulator/isa/assembler';
import type { Instruction } from '../../emulator/isa/types';
import { EVERYTHING, GuestHart, READ_WRITE } from './guest-hart';
import { integerValue, type Random } from './random';
import { encodeItems, SCRATCH_REACH, StreamGenerator } from './streams';
import type { EngineKind } from '../../emulator/engine/engine';

const CODE = 0x10000;
/** Loop counters and return addresses, where the random instructions' stores do not reach. */
const SAFE = 0x80000;
/** Two pages, so that accesses cross from one to the other. */
const SCRATCH = 0x90000;
const SCRATCH_BYTES = 8192;

/** A program of functions that call each other in loops, around random instructions; it never ends. */
export interface LoopingProgram {
  readonly code: Uint8Array;
  readonly base: number;
  readonly x: readonly bigint[];
  readonly f: readonly bigint[];
  readonly memory: Uint8Array;
}

/** Puts pieces of code one after another. */
class Writer {
  private readonly pieces: Uint8Array[] = [];
  length = 0;

  get pc(): number {
    return CODE + this.length;
  }

  bytes(bytes: Uint8Array): void {
    this.pieces.push(bytes);
    this.length += bytes.length;
  }

  text(text: string): void {
    this.bytes(assemble(text, { base: this.pc }).bytes);
  }

  finish(): Uint8Array {
    const all = new Uint8Array(this.length);
    let at = 0;
    for (const piece of this.pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }
}

/**
 * A random program. Control (loops, calls, returns, a jump table) uses whatever registers the random instructions
 * use too, and keeps what it needs in memory.
 */
export function loopingProgram(
  random: Random,
  instructions: readonly Instruction[],
): LoopingProgram {
  const base = 5 + random.below(27);
  const offsets = [-SCRATCH_REACH, 0, 800];
  const writer = new Writer();
  const register = (): string => {
    for (;;) {
      const n = 5 + random.below(27);
      if (n !== base) return `x${n}`;
    }
  };
  const pair = (): readonly [string, string] => {
    for (;;) {
      const [a, b] = [register(), register()];
      if (a !== b) return [a, b];
    }
  };
  const randomItems = (count: number): Uint8Array => {
    const chosen = Array.from({ length: 12 }, () => random.pick(instructions));
    const plan = { instructions: chosen, base, rounds: true, operands: () => offsets };
    return encodeItems(new StreamGenerator(random, plan).items(count));
  };
  const body = (count: number): void => writer.bytes(randomItems(count));
  let nextSafe = SAFE;
  const safe = (): number => (nextSafe += 8) - 8;
  /** Runs `inner` some times. */
  const loop = (inner: () => void): void => {
    const place = safe();
    const [a, b] = pair();
    writer.text(`li ${b}, ${1 + random.below(40)}\nli ${a}, ${place}\nsd ${b}, 0(${a})`);
    const head = writer.pc;
    inner();
    const [c, d] = pair();
    writer.text(`li ${c}, ${place}\nld ${d}, 0(${c})\naddi ${d}, ${d}, -1\nsd ${d}, 0(${c})`);
    // Far enough for any branch.
    writer.text(`beqz ${d}, .+8`);
    writer.text(`jal x0, .+${head - writer.pc}`.replace('+-', '-'));
  };
  /** Goes on at one of four places, by a number in memory that counts up, through a table of jumps. */
  const choice = (): void => {
    const place = safe();
    const [a, b] = pair();
    writer.text(`li ${a}, ${place}\nld ${b}, 0(${a})\naddi ${b}, ${b}, 1\nsd ${b}, 0(${a})`);
    writer.text(`andi ${b}, ${b}, 3\nslli ${b}, ${b}, 2`);
    writer.text(`auipc ${a}, 0\nadd ${a}, ${a}, ${b}\njr 12(${a})`);
    const cases = [1, 2, 3, 4].map(() => randomItems(1 + random.below(4)));
    // Behind the table: a case, and a jump of four bytes to the end.
    const starts = [4 * cases.length];
    for (const { length } of cases) starts.push(starts[starts.length - 1] + length + 4);
    cases.forEach((_, n) => writer.text(`jal x0, .+${starts[n] - 4 * n}`));
    cases.forEach((bytes, n) => {
      writer.bytes(bytes);
      writer.text(`jal x0, .+${starts[cases.length] - starts[n] - bytes.length}`);
    });
  };
  const functions: number[] = [];
  /** Stubs as those of shared libraries, and where in memory the addresses are that they jump to. */
  const stubs = new Map<number, number>();
  const stub = (): void => {
    const [a, b] = pair();
    if (b === 'x5') return;
    const place = safe();
    const distance = place - writer.pc;
    const upper = (distance + 0x800) >> 12;
    stubs.set(writer.pc, place);
    writer.text(
      `auipc ${a}, ${upper}\nld ${a}, ${distance - upper * 4096}(${a})\njalr ${b}, 0(${a})`,
    );
  };
  const link = (place: number): void => {
    const [a, b] = pair();
    writer.text(`li ${a}, ${place}\nli ${b}, ${random.pick(functions)}\nsd ${b}, 0(${a})`);
  };
  const call = (): void => {
    if (functions.length === 0) return;
    const target = random.pick([...functions, ...stubs.keys()]);
    if (random.oneIn(2)) writer.text(`jal ra, .+${target - writer.pc}`.replace('+-', '-'));
    else {
      const a = register();
      writer.text(`li ${a}, ${target}\njalr ra, 0(${a})`);
    }
  };
  writer.text('nop\nnop');
  for (let n = 0; n < 3; n++) {
    functions.push(writer.pc);
    const place = safe();
    const [a, b] = pair();
    writer.text(`li ${a}, ${place}\nsd ra, 0(${a})`);
    body(3 + random.below(8));
    if (random.oneIn(2)) {
      loop(() => {
        body(2 + random.below(10));
        if (random.oneIn(2)) choice();
        if (random.oneIn(2)) call();
      });
    } else call();
    writer.text(`li ${b}, ${place}\nld ra, 0(${b})\nret`);
  }
  stub();
  stub();
  const start = writer.pc;
  for (const place of stubs.values()) link(place);
  for (let n = 0; n < 2; n++) {
    loop(() => {
      body(1 + random.below(8));
      choice();
      call();
      if (stubs.size > 0 && random.oneIn(4)) link(random.pick([...stubs.values()]));
      if (random.oneIn(3)) loop(() => body(1 + random.below(6)));
    });
  }
  const [a] = pair();
  writer.text(`li ${a}, ${start}\njr ${a}`);
  const code = writer.finish();
  // The entry jumps over the functions.
  code.set(assemble(`jal x0, .+${start - CODE}`).bytes);
  return {
    code,
    base,
    x: Array.from({ length: 32 }, () => integerValue(random)),
    f: Array.from({ length: 32 }, () => integerValue(random)),
    memory: new Uint8Array(
      BigUint64Array.from({ length: SCRATCH_BYTES / 8 }, () => random.u64()).buffer,
    ),
  };
}

/** A hart at the beginning of the program. */
export function startLooping(program: LoopingProgram, engine: EngineKind): GuestHart {
  const hart = new GuestHart({ engine });
  hart.load(CODE, program.code, EVERYTHING);
  hart.load(SCRATCH, program.memory, READ_WRITE);
  hart.space.map(SAFE, 4096, READ_WRITE);
  hart.state.pc = CODE;
  program.x.forEach((value, n) => hart.state.setX(n, value));
  program.f.forEach((value, n) => hart.state.setF(n, value));
  hart.state.setX(program.base, BigInt(SCRATCH + SCRATCH_BYTES / 2));
  return hart;
}

/** The memory that the program writes. */
export function loopingMemory(hart: GuestHart): string {
  const bytes = Buffer.concat([
    hart.space.read(SCRATCH, SCRATCH_BYTES),
    hart.space.read(SAFE, 4096),
  ]);
  return bytes.toString('base64');
}
