import { expect, it } from 'vitest';
import { LOG_KIND, LogEntry, type AccessLog } from '../../../emulator/engine/access-log';
import type { EngineStop } from '../../../emulator/engine/engine';
import { EVERYTHING, GuestHart, READ_EXECUTE, READ_WRITE } from '../../support/guest-hart';
import { integerValue, Random } from '../../support/random';
import { encodeItems, StreamGenerator, streamInstructions } from '../../support/streams';

/*
 * Code as no compiler makes it: branches into the middle of instructions, random encodings, stores into code and onto its own
 * page, pages at both ends of the address space. Whatever stops it, both engines must be at the same place with the same state.
 */

const PAGE = 4096;
const LAST = 2 ** 32 - PAGE;
/** Where code may lie: the first pages, two in the middle, the last ones. Data lies beside it. */
const CODE = [PAGE, 0x40000, 0x41000, LAST - PAGE, LAST];
const DATA = [2 * PAGE, 0x42000, 0x43000, LAST - 2 * PAGE];
/** Addresses that registers hold: at both sides of what is mapped, and in its middle. */
const PLACES = [...CODE, ...DATA].flatMap((page) => [
  ...[page - 8, page - 3, page, page + 1, page + 2, page + 1000],
  ...[page + PAGE - 8, page + PAGE - 4, page + PAGE - 2],
]);
const PROTECTIONS = [0, 1, READ_WRITE, READ_EXECUTE, EVERYTHING];
const FUEL = [3, 60, 700, 5000];

const ITEMS = streamInstructions([
  ...(['I', 'M', 'A', 'F', 'D', 'C', 'Zifencei', 'Zba', 'Zbb', 'Zbs', 'Zcb', 'Zfh'] as const),
]);
/** Registers that hold addresses, more often than others. */
const POINTERS = [8, 9, 10, 11, 18];
const FENCE_I = 0x0000100f;

const bits = (value: number, high: number, low: number): number =>
  (value >>> low) & (2 ** (high - low + 1) - 1);

const branch = (kind: number, rs1: number, rs2: number, offset: number): number =>
  ((bits(offset, 12, 12) << 31) |
    (bits(offset, 10, 5) << 25) |
    (rs2 << 20) |
    (rs1 << 15) |
    (kind << 12) |
    (bits(offset, 4, 1) << 8) |
    (bits(offset, 11, 11) << 7) |
    0x63) >>>
  0;
const jal = (rd: number, offset: number): number =>
  ((bits(offset, 20, 20) << 31) |
    (bits(offset, 10, 1) << 21) |
    (bits(offset, 11, 11) << 20) |
    (bits(offset, 19, 12) << 12) |
    (rd << 7) |
    0x6f) >>>
  0;
const withImmediate = (
  opcode: number,
  kind: number,
  rd: number,
  rs1: number,
  imm: number,
): number => ((imm << 20) | (rs1 << 15) | (kind << 12) | (rd << 7) | opcode) >>> 0;
const store = (kind: number, rs1: number, rs2: number, imm: number): number =>
  ((bits(imm, 11, 5) << 25) |
    (rs2 << 20) |
    (rs1 << 15) |
    (kind << 12) |
    (bits(imm, 4, 0) << 7) |
    0x23) >>>
  0;

/** A page of code. */
function wildPage(random: Random): Uint8Array {
  const bytes = new Uint8Array(PAGE);
  const view = new DataView(bytes.buffer);
  const register = (): number => (random.oneIn(3) ? random.pick(POINTERS) : random.below(32));
  const plan = { instructions: ITEMS, base: 18, rounds: true, operands: () => [-8, 0, 8] };
  const stream = new StreamGenerator(random, plan);
  let at = random.oneIn(3) ? 2 : 0;
  const put = (word: number): void => {
    if (at + 4 <= PAGE) view.setUint32(at, word, true);
    at += 4;
  };
  while (at < PAGE) {
    const near = (): number => 2 * (random.below(60) - 40);
    switch (random.below(10)) {
      case 0:
        put(branch(random.pick([0, 1, 4, 5, 6, 7]), register(), register(), near()));
        break;
      case 1:
        put(jal(random.pick([0, 0, 1, 5]), random.oneIn(8) ? PAGE - 2 * random.below(99) : near()));
        break;
      case 2:
        // A call or jump by an address that was just made, or by whatever the register holds.
        if (random.oneIn(2)) put(withImmediate(0x17, 0, 7, 0, 0));
        put(withImmediate(0x67, 0, random.pick([0, 1, 5]), random.pick([7, 7, 1, 5, 9]), near()));
        break;
      case 3:
        put(
          withImmediate(
            0x03,
            random.below(7),
            12 + random.below(4),
            random.pick(POINTERS),
            random.below(64) - 32,
          ),
        );
        break;
      case 4:
        put(store(random.below(4), random.pick([10, 11, 18]), register(), random.below(64) - 32));
        break;
      case 5:
        // Pointers move on, as in loops over arrays.
        put(withImmediate(0x13, 0, 10, 10, random.pick([1, 2, 4, 8, -8])));
        break;
      case 6:
        if (random.oneIn(6)) {
          // Into the code.
          put(store(random.below(4), random.pick([8, 9]), register(), random.below(64) - 32));
          put(FENCE_I);
        } else put(withImmediate(0x13, random.below(8), register(), register(), random.below(32)));
        break;
      case 7:
        if (at + 2 <= PAGE && random.oneIn(2)) view.setUint16(at, random.u32() & 0xffff, true);
        at += 2;
        break;
      default: {
        const item = encodeItems(stream.items(1));
        if (at + item.length <= PAGE) bytes.set(item, at);
        at += item.length;
      }
    }
  }
  return bytes;
}

/** Tells when a hart stores into code without a fence.i behind it: what it runs then is up to the engine. */
class Unfenced {
  found = false;
  private readonly entry = new LogEntry();

  constructor(private readonly space: GuestHart['space']) {}

  accesses(log: AccessLog): void {
    for (let n = 0; n < log.length; n++) {
      if (log.kind(n) === LOG_KIND.load || log.kind(n) === LOG_KIND.fence) continue;
      const { address, size, pc } = log.read(n, this.entry);
      const isCode = [address, address + size - 1].some((at) => CODE.includes(at - (at % PAGE)));
      if (!isCode) continue;
      const [low] = this.space.peek(pc, 1);
      const next = pc + ((low & 3) === 3 ? 4 : 2);
      const isHit = address < next + 4 && address + size > pc;
      const fence = new DataView(this.space.peek(next, 4).slice().buffer);
      if (isHit || fence.byteLength < 4 || fence.getUint32(0, true) !== FENCE_I) this.found = true;
    }
  }
}

/** Two harts that the same happens to. */
class Pair {
  readonly harts: readonly [GuestHart, GuestHart];

  constructor() {
    this.harts = [
      new GuestHart({ engine: 'translator' }),
      new GuestHart({ engine: 'interpreter' }),
    ];
  }

  both(act: (hart: GuestHart) => void): void {
    for (const hart of this.harts) act(hart);
  }

  close(): void {
    this.both((hart) => hart.close());
  }
}

const memoryOf = ({ space }: GuestHart): string =>
  Buffer.concat([...CODE, ...DATA].map((page) => space.peek(page, PAGE))).toString('base64');

/** Gives a hart what another one has, but for its registers. */
function makeAlike(hart: GuestHart, { space, state }: GuestHart): void {
  for (const page of [...CODE, ...DATA]) {
    const bytes = space.peek(page, PAGE).slice();
    for (const each of [hart.space, space]) each.poke(page, bytes);
  }
  hart.state.instret = state.instret;
  hart.state.fcsr = state.fcsr;
  for (let n = 0; n < 32; n++) hart.state.setF(n, state.f(n));
}

/**
 * Runs wild code on both engines, with stops between which its pages, its code and breakpoints change.
 * @returns the part that ran in translated code
 */
function compareWild(seed: number): number {
  const random = new Random(seed);
  const pair = new Pair();
  const [hart, reference] = pair.harts;
  const unfenced = new Unfenced(reference.space);
  reference.engine.observe(unfenced);
  const breakpoints = new Set<number>();
  const restart = (): void => {
    const pc = random.pick(CODE) + 2 * random.below(PAGE / 2);
    const values = Array.from({ length: 32 }, () =>
      random.oneIn(2) ? BigInt(random.pick(PLACES)) : integerValue(random),
    );
    for (const n of POINTERS)
      values[n] = BigInt(random.pick(n < 10 ? CODE : DATA) + random.below(PAGE));
    pair.both(({ state }) => {
      state.pc = pc;
      values.forEach((value, n) => state.setX(n, value));
    });
  };
  try {
    for (const page of CODE) {
      const bytes = wildPage(random);
      pair.both((each) => each.load(page, bytes, EVERYTHING));
    }
    for (const page of DATA) pair.both(({ space }) => space.map(page, PAGE, READ_WRITE));
    restart();
    let last: EngineStop = { kind: 'fuel' };
    for (let n = 0; n < STOPS; n++) {
      const budget = 1 + random.below(random.pick(FUEL));
      const where = `seed ${seed}, stop ${n}`;
      const stepping = last.kind === 'breakpoint';
      const go = (each: GuestHart): EngineStop => each.engine.run(each.state, budget, stepping);
      const [stop, expected] = [go(hart), go(reference)];
      if (unfenced.found) {
        unfenced.found = false;
        makeAlike(hart, reference);
        restart();
        last = { kind: 'fuel' };
        continue;
      }
      expect(stop, where).toEqual(expected);
      expect(hart.snapshot(), where).toEqual(reference.snapshot());
      expect(memoryOf(hart), where).toBe(memoryOf(reference));
      last = stop;
      if (stop.kind !== 'fuel' && stop.kind !== 'breakpoint') restart();
      switch (random.below(12)) {
        case 0: {
          const page = random.pick([...CODE, ...DATA]);
          const protection = random.oneIn(3) ? random.pick(PROTECTIONS) : EVERYTHING;
          pair.both(({ space }) => space.protect(page, PAGE, protection));
          break;
        }
        case 1: {
          const page = random.pick(CODE);
          const bytes = wildPage(random);
          pair.both(({ space }) => {
            space.unmap(page, PAGE);
            space.map(page, PAGE, EVERYTHING);
            space.poke(page, bytes);
          });
          break;
        }
        case 2: {
          const address = random.pick(CODE) + 2 * random.below(PAGE / 2);
          const word = random.u32();
          pair.both(({ space }) => space.poke(address, Uint8Array.of(word, word >>> 8)));
          break;
        }
        case 3: {
          const address = hart.state.pc + 2 * (random.below(20) - 4);
          if (address >= 2 ** 32 || address < 0) break;
          breakpoints.add(address);
          pair.both(({ engine: { code } }) => code.setBreakpoint(address));
          break;
        }
        case 4:
          for (const address of breakpoints) {
            pair.both(({ engine: { code } }) => code.clearBreakpoint(address));
          }
          breakpoints.clear();
          break;
        case 5:
          restart();
          break;
      }
    }
    return hart.engine.stats.translatedInstructions / hart.state.instret;
  } finally {
    pair.close();
  }
}

const FIRST_SEED = Number(process.env.HARTSCOPE_SEED ?? 1);
const SEEDS = Number(process.env.HARTSCOPE_SEEDS ?? 10);
const STOPS = 100;

it('code as no compiler makes it does what the interpreter does, whatever happens to it', () => {
  const shares: number[] = [];
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) shares.push(compareWild(seed));
  const mean = shares.reduce((sum, share) => sum + share, 0) / SEEDS;
  expect(mean).toBeGreaterThan(0.3);
});
