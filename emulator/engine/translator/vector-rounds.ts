import type { FloatArithmetic } from '../../isa/emitter';
import { f64, f64x2, i32, i64, select, v128, type Expr, type Label, type Local } from '../../wasm';
import { PAGE_SHIFT } from '../../memory/layout';
import type { Block, Item } from './region';
import type { RegionState } from './region-emitter';
import type { Strip, Window } from './strips';
import { reliesOnMode } from './traits';

/** A load or store of a loop: its address is that of `register` at the loop's head plus `from`. */
interface Access {
  readonly item: Item;
  readonly window: Window;
  readonly from: number;
}

/**
 * A loop of one block that computes doubles from doubles, each round for itself: it loads the next elements of arrays,
 * stores one, and ends when a pointer has reached a register.
 */
export interface ElementLoop {
  readonly items: readonly Item[];
  readonly accesses: ReadonlyMap<Item, Access>;
  readonly store: Access;
  /** Integer registers and what a round adds to them. */
  readonly steps: ReadonlyMap<number, number>;
  /** Floating-point registers that a round writes, and those that it only reads. */
  readonly written: ReadonlySet<number>;
  readonly read: ReadonlySet<number>;
  /** The rounds end when `moving` is equal to `bound`. */
  readonly moving: number;
  readonly bound: number;
}

const BYTES = 8;
const LANES = 2;
const ARITHMETIC = /^f(n?m(add|sub)|add|sub|mul)\.d$/;

/** The loop that a block is, if its rounds can be computed two at a time. */
export function elementLoopOf(block: Block, strip: Strip): ElementLoop | undefined {
  const { terminator, items } = block;
  const last = items.at(-1);
  if (terminator.kind !== 'branch' || terminator.taken.to !== block) return undefined;
  if (last?.decoded.instruction.name !== 'bne') return undefined;
  const steps = new Map<number, number>();
  const written = new Set<number>();
  const read = new Set<number>();
  const accesses = new Map<Item, Access>();
  const stores: Access[] = [];
  const body = items.slice(0, -1);
  for (const item of body) {
    const { instruction, rd, rs1, imm } = item.decoded;
    for (const { field } of item.traits.readsF) {
      const register = item.decoded[field];
      if (!written.has(register)) read.add(register);
    }
    if (instruction.name === 'addi' && rd === rs1) {
      if (rd !== 0) steps.set(rd, (steps.get(rd) ?? 0) + imm);
    } else if (instruction.name === 'fld' || instruction.name === 'fsd') {
      const window = strip.windowOf(item);
      if (window?.step !== BYTES) return undefined;
      const access = { item, window, from: (steps.get(rs1) ?? 0) + imm };
      accesses.set(item, access);
      if (instruction.name === 'fsd') stores.push(access);
    } else if (!ARITHMETIC.test(instruction.name) || !reliesOnMode(item.decoded)) return undefined;
    if (item.traits.writesF) written.add(rd);
  }
  // What a round reads before it writes it comes from the round before.
  if ([...written].some((register) => read.has(register))) return undefined;
  const [store] = stores;
  if (stores.length !== 1) return undefined;
  for (const { item, window, from } of accesses.values()) {
    const isSame = from === store.from && body.indexOf(item) <= body.indexOf(store.item);
    if (window === store.window && !isSame) return undefined;
  }
  const { rs1, rs2 } = last.decoded;
  const [moving, bound] = steps.has(rs1) ? [rs1, rs2] : [rs2, rs1];
  // It moves by a power of two.
  if (!Number.isInteger(Math.log2(steps.get(moving) ?? 0)) || steps.has(bound)) return undefined;
  return { items: body, accesses, store, steps, written, read, moving, bound };
}

/** Doubles beyond these may raise more flags than the inexact one: see `isOdd` in host-float.ts. */
const LEAST = 0x0020000000000000n;
const LARGEST = 0x7fefffffffffffffn;
/** 2^-900: the rest of a smaller product may be too small for a double. */
const SMALL = 0x07b0000000000000n;
/** All bits but the sign. */
const SIZE = 0x7fffffffffffffffn;
/** 2^600: products with a factor of 2^-500 or more, times this, have no rest that is too small. */
const SCALE = 0x6570000000000000n;
const SCALABLE = f64.bits(0x20b0000000000000n);

type Operation = Exclude<FloatArithmetic, 'div' | 'sqrt'> | 'fma';
type Constant = (bits: bigint) => Local<'v128'>;

interface Result {
  readonly op: Operation;
  readonly r: Local<'v128'>;
  readonly operands: readonly Local<'v128'>[];
  /** Of a fused multiply-add: the second factor times `SCALE`, where that is known to help. */
  readonly scaled: Local<'v128'> | undefined;
}

/** Tells where the host's result may not stand (float-mode.ts), as lanes of all ones. */
class Refusals {
  constructor(
    private readonly constant: Constant,
    private readonly keep: (value: Expr<'v128'>) => Local<'v128'>,
  ) {}

  private isZero(x: Expr<'v128'>): Expr<'v128'> {
    return f64x2.eq(x, v128.zero);
  }

  /** In the mode `sticky` most results are ordinary numbers. */
  notOrdinary(r: Local<'v128'>): Expr<'v128'> {
    const size = this.keep(v128.and(r, this.constant(SIZE)));
    const { not, and } = v128;
    return not(and(f64x2.ge(size, this.constant(LEAST)), f64x2.le(size, this.constant(LARGEST))));
  }

  /** Of the others zeros may stand that are exact. */
  notZero({ op, r, operands: [a, b] }: Result): Expr<'v128'> {
    const { not, and, or } = v128;
    if (op === 'add' || op === 'sub') return not(this.isZero(r));
    return not(and(this.isZero(r), or(this.isZero(a), this.isZero(b))));
  }

  /** In the mode `clear` results stand that are exact (exactness.ts). */
  notExact({ op, r, operands: [a, b, c], scaled }: Result): Expr<'v128'> {
    const { or, and, andnot, zero } = v128;
    const noProduct = (opposite: Local<'v128'>): Expr<'v128'> => {
      if (scaled) {
        const large = f64x2.mul(opposite, this.constant(SCALE));
        return f64x2.ne(f64x2.relaxed_madd(a, scaled, large), zero);
      }
      const rest = f64x2.ne(f64x2.relaxed_madd(a, b, opposite), zero);
      const isSmall = f64x2.lt(and(opposite, this.constant(SIZE)), this.constant(SMALL));
      return or(rest, andnot(isSmall, or(this.isZero(a), this.isZero(b))));
    };
    switch (op) {
      case 'add':
      case 'sub': {
        const summand = op === 'sub' ? this.keep(f64x2.neg(b)) : b;
        return or(f64x2.ne(f64x2.sub(r, a), summand), f64x2.ne(f64x2.sub(r, summand), a));
      }
      case 'mul':
        return noProduct(this.keep(f64x2.neg(r)));
      case 'fma': {
        const opposite = this.keep(f64x2.sub(c, r));
        return or(noProduct(opposite), f64x2.ne(f64x2.add(r, opposite), c));
      }
    }
  }
}

type Temp = <T extends 'i32' | 'i64' | 'v128'>(type: T) => Local<T>;

interface RoundLimits {
  /** Instructions in a round. */
  readonly round: number;
  /** Rounds at most. */
  readonly most: Expr<'i32'>;
  /** From a guest address in a window to the arena's (strip-writer.ts). */
  readonly distance: (window: Window) => Local<'i32'>;
}

/**
 * Writes rounds of an element loop two at a time, as many as `most` allows and short of the last one. It stops before the
 * first two of which a result may not stand: nothing of them is done, and the strip goes on one by one.
 */
export class VectorRounds {
  private distance!: RoundLimits['distance'];
  private temp!: Temp;
  private constants: ReadonlyMap<bigint, Local<'v128'>> = new Map();

  constructor(
    private readonly state: RegionState,
    private readonly fuel: Local<'i32'>,
  ) {}

  write(loop: ElementLoop, { round, most, distance }: RoundLimits): void {
    const { f, registers } = this.state;
    this.distance = distance;
    const state = { ...registers.state };
    f.scope((temp) => {
      f.block((none) => {
        this.temp = temp;
        this.apart(loop, none);
        const pairs = temp('i32');
        f.set(pairs, i32.shr_u(this.rounds(loop, most, none), i32.const(1)));
        f.brIf(none, i32.eqz(pairs));
        const all = temp('i32');
        f.set(all, pairs);
        // What is read as 64 bits here may be held as a single elsewhere.
        for (const register of loop.read) registers.readDouble(register);
        this.prepareConstants(pairs);
        const scaled = this.scaledFactors(loop, none);
        const last = new Map<number, Local<'v128'>>();
        for (const register of loop.written) {
          registers.double(register);
          last.set(register, this.keep(registers.vector('d', register)!));
        }
        f.block((refused) => {
          f.loop((again) => {
            const values = this.pair(loop, scaled, refused);
            for (const [register, local] of last) f.set(local, values.get(register)!);
            f.set(pairs, i32.sub(pairs, i32.const(1)));
            f.brIf(again, pairs);
          });
        });
        for (const [register, local] of last) {
          f.set(registers.vector('d', register)!, f64x2.splatLast(local));
        }
        const instructions = i32.mul(i32.sub(all, pairs), i32.const(LANES * round));
        f.set(this.fuel, i32.sub(this.fuel, instructions));
      });
    });
    registers.state = state;
  }

  private keep(value: Expr<'v128'>): Local<'v128'> {
    const local = this.temp('v128');
    this.state.f.set(local, value);
    return local;
  }

  /**
   * Puts constants into locals. V8 would make a constant again in each round; so that it sees none, something is
   * part of it that is 0 in fact.
   */
  private prepareConstants(pairs: Local<'i32'>): void {
    const zero = i64.shr_u(i64.extend_i32_u(pairs), i64.const(40));
    const bits = this.state.mode === 'sticky' ? [SIZE, LEAST, LARGEST] : [SIZE, SMALL, SCALE];
    this.constants = new Map(
      bits.map((value) => [
        value,
        this.keep(f64x2.splat(f64.reinterpret_i64(i64.or(zero, i64.const(value))))),
      ]),
    );
  }

  /** For fused multiply-adds with a factor that is the same in all rounds, that factor times `SCALE`. */
  private scaledFactors({ items, read }: ElementLoop, none: Label): Map<Item, Local<'v128'>> {
    const { f, registers, mode } = this.state;
    const scaled = new Map<Item, Local<'v128'>>();
    if (mode !== 'clear') return scaled;
    for (const item of items) {
      const { instruction, rs2 } = item.decoded;
      if (!/^fn?m(add|sub)/.test(instruction.name) || !read.has(rs2)) continue;
      const factor = registers.double(rs2);
      const isScalable = f64.ge(f64.abs(factor), SCALABLE);
      f.brIf(none, i32.eqz(i32.or(isScalable, f64.eq(factor, f64.bits(0n)))));
      const vector = registers.vector('d', rs2)!;
      scaled.set(item, this.keep(f64x2.mul(vector, this.constants.get(SCALE)!)));
    }
    return scaled;
  }

  /** Where an access is in the arena. */
  private host({ item, window, from }: Access): { host: Expr<'i32'>; offset: number } {
    const place = i32.add(
      this.distance(window),
      i32.wrap_i64(this.state.registers.x(item.decoded.rs1)),
    );
    const offset = from - window.base;
    return offset >= 0
      ? { host: place, offset }
      : { host: i32.add(place, i32.const(offset)), offset: 0 };
  }

  /** Goes to `done` if what is stored may be loaded in the next round: a window is in the store's page. */
  private apart({ accesses, store }: ElementLoop, done: Label): void {
    const page = (access: Access): Expr<'i32'> => {
      const { host, offset } = this.host(access);
      return i32.shr_u(i32.add(host, i32.const(offset)), i32.const(PAGE_SHIFT));
    };
    for (const access of accesses.values()) {
      if (access.window === store.window) continue;
      this.state.f.brIf(done, i32.eq(page(access), page(store)));
    }
  }

  /** How many rounds come before the last one, at most `most`. */
  private rounds(
    { moving, bound, steps }: ElementLoop,
    most: Expr<'i32'>,
    none: Label,
  ): Expr<'i32'> {
    const { f, registers } = this.state;
    const [way, rounds, limit] = [this.temp('i64'), this.temp('i64'), this.temp('i64')];
    const step = steps.get(moving)!;
    const end = bound === 0 ? i64.const(0) : registers.x(bound);
    f.set(way, i64.sub(end, registers.x(moving)));
    // A division takes as long as some rounds.
    f.set(rounds, i64.shr_s(way, i64.const(Math.log2(step))));
    f.brIf(none, i64.le_s(rounds, i64.const(0)));
    f.brIf(none, i64.ne(i64.and(way, i64.const(step - 1)), i64.const(0)));
    f.set(rounds, i64.sub(rounds, i64.const(1)));
    f.set(limit, i64.extend_i32_u(most));
    return i32.wrap_i64(select(i64.lt_s(rounds, limit), rounds, limit));
  }

  /** Two rounds. @returns the values of the registers that they write */
  private pair(
    { items, accesses, store, steps }: ElementLoop,
    scaled: ReadonlyMap<Item, Local<'v128'>>,
    refused: Label,
  ): Map<number, Local<'v128'>> {
    const { f, registers } = this.state;
    const values = new Map<number, Local<'v128'>>();
    const valueOf = (register: number): Local<'v128'> =>
      values.get(register) ?? registers.vector('d', register)!;
    let stored: Local<'v128'> | undefined;
    for (const item of items) {
      const { instruction, rd, rs1, rs2, rs3 } = item.decoded;
      const access = accesses.get(item);
      if (access === store) stored = valueOf(rs2);
      else if (access) {
        const { host, offset } = this.host(access);
        values.set(rd, this.keep(v128.load(host, offset)));
      } else if (instruction.name !== 'addi') {
        const operands = [rs1, rs2, rs3].map(valueOf);
        const result = this.compute(instruction.name, operands, scaled.get(item));
        this.check(result, refused);
        values.set(rd, result.r);
      }
    }
    const { host, offset } = this.host(store);
    f.do(v128.store(host, stored!, offset));
    for (const [n, step] of steps) {
      f.set(registers.x(n), i64.add(registers.x(n), i64.const(LANES * step)));
    }
    return values;
  }

  private compute(
    name: string,
    [x, b, y]: readonly Local<'v128'>[],
    scaled: Local<'v128'> | undefined,
  ): Result {
    const [, n, fused, kind] = /^f(n?)(m?)(add|sub|mul)/.exec(name)!;
    if (fused === '') {
      const op = kind as 'add' | 'sub' | 'mul';
      return { op, r: this.keep(f64x2[op](x, b)), operands: [x, b], scaled };
    }
    // fnmadd is -(a × b) - c, fnmsub -(a × b) + c.
    const isNegative = n === 'n';
    const a = isNegative ? this.keep(f64x2.neg(x)) : x;
    const c = isNegative === (kind === 'add') ? this.keep(f64x2.neg(y)) : y;
    const r = this.keep(f64x2.relaxed_madd(a, b, c));
    return { op: 'fma', r, operands: [a, b, c], scaled };
  }

  /** Goes to `refused` if a result may not stand. */
  private check(result: Result, refused: Label): void {
    const { f, mode } = this.state;
    const refusals = new Refusals(
      (bits) => this.constants.get(bits)!,
      (value) => this.keep(value),
    );
    if (mode !== 'sticky') {
      f.brIf(refused, f64x2.bitmask(refusals.notExact(result)));
      return;
    }
    const odd = this.keep(refusals.notOrdinary(result.r));
    f.if(f64x2.bitmask(odd), () => {
      f.brIf(refused, f64x2.bitmask(v128.and(odd, refusals.notZero(result))));
    });
  }
}
