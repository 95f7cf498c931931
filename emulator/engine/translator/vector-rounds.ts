import type { FloatArithmetic } from '../../isa/emitter';
import { f64, f64x2, i32, i64, select, v128, type Expr, type Label, type Local } from '../../wasm';
import { PAGE_SHIFT } from '../../memory/layout';
import { BYTES, type Access, type ElementLoop } from './element-loop';
import type { Item } from './region';
import type { RegionState } from './region-emitter';
import type { Window } from './strips';

const LANES = 2;
/** Vectors of a group: they share the counting of rounds, and in the mode `sticky` the test of their results. */
const GROUP = 4;

/** The exponent's bits. */
const EXPONENT = 0x7ff0000000000000n;
/** With exponents beyond these doubles may raise more flags than the inexact one: see `isOdd` in host-float.ts. */
const LEAST = 0x0020000000000000n;
const LARGEST = 0x7fe0000000000000n;
/** 2^-900: the rest of a smaller product may be too small for a double. */
const SMALL = 0x07b0000000000000n;
/** All bits but the sign. */
const SIZE = 0x7fffffffffffffffn;

type Operation = Exclude<FloatArithmetic, 'div' | 'sqrt'> | 'fma';
type Constant = (bits: bigint) => Local<'v128'>;

interface Result {
  readonly op: Operation;
  readonly r: Local<'v128'>;
  readonly operands: readonly Local<'v128'>[];
  /** The second factor is an integer: the rest of the product is none of the numbers that are too small for a double. */
  readonly isMultiple: boolean;
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

  /** The exponent in place, which is a double that is a power of two, zero or infinite. */
  exponent(r: Local<'v128'>): Expr<'v128'> {
    return v128.and(r, this.constant(EXPONENT));
  }

  /** In the mode `sticky` most results are ordinary numbers. @param least of their exponents */
  notOrdinary(least: Local<'v128'>, largest: Local<'v128'>): Expr<'v128'> {
    return v128.or(
      f64x2.lt(least, this.constant(LEAST)),
      f64x2.lt(this.constant(LARGEST), largest),
    );
  }

  /** Of the others zeros may stand that are exact. */
  notZero({ op, r, operands: [a, b] }: Result): Expr<'v128'> {
    const { not, and, or } = v128;
    if (op === 'add' || op === 'sub') return not(this.isZero(r));
    return not(and(this.isZero(r), or(this.isZero(a), this.isZero(b))));
  }

  /** In the mode `clear` results stand that are exact (exactness.ts). @returns lanes that are zeros of any sign if so */
  rest({ op, r, operands: [a, b, c], isMultiple }: Result): Expr<'v128'> {
    const { or, and, andnot } = v128;
    const ofProduct = (opposite: Local<'v128'>): Expr<'v128'> => {
      const rest = f64x2.relaxed_madd(a, b, opposite);
      if (isMultiple) return rest;
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
        return ofProduct(this.keep(f64x2.neg(r)));
      case 'fma': {
        const opposite = this.keep(f64x2.sub(c, r));
        // The sum is never -c: `opposite` is as near to c - r as -r is, or nearer.
        return or(ofProduct(opposite), v128.xor(f64x2.add(r, opposite), c));
      }
    }
  }
}

/** Two rounds, but for their store. */
interface Computed {
  /** Of the registers that a round writes. */
  readonly values: Map<number, Local<'v128'>>;
  /** What they store. */
  readonly stored: Local<'v128'>;
}

/** Looks at the results of some rounds, and leaves at the end if one may not stand. */
interface Test {
  add(result: Result): void;
  end(): void;
}

type Temp = <T extends 'i32' | 'i64' | 'v128'>(type: T) => Local<T>;

interface RoundLimits {
  /** Instructions in a round. */
  readonly round: number;
  /** Rounds at most. */
  readonly most: Expr<'i32'>;
  /** From a guest address in a window to the arena's (strip-writer.ts). */
  readonly distance: (window: Window) => Local<'i32'>;
  /** Told how many rounds have been run: each went back to the loop's head. */
  readonly ran: (rounds: Expr<'i32'>) => void;
}

/**
 * Writes rounds of an element loop two at a time, in groups as long as there are enough, as many as `most` allows and short
 * of the last one. It stops before the first two of which a result may not stand: nothing of them is done, and the strip
 * goes on one by one.
 */
export class VectorRounds {
  private distance!: RoundLimits['distance'];
  private temp!: Temp;
  private constants: ReadonlyMap<bigint, Local<'v128'>> = new Map();

  constructor(
    private readonly state: RegionState,
    private readonly fuel: Local<'i32'>,
  ) {}

  write(loop: ElementLoop, { round, most, distance, ran }: RoundLimits): void {
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
        const multiples = this.multiples(loop, none);
        const last = new Map<number, Local<'v128'>>();
        for (const register of loop.written) {
          registers.double(register);
          last.set(register, this.keep(registers.vector('d', register)!));
        }
        const compute = (vectors: number, refused: Label): void => {
          const values = this.group(loop, multiples, vectors, refused);
          for (const [register, local] of last) f.set(local, values.get(register)!);
          f.set(pairs, i32.sub(pairs, i32.const(vectors)));
        };
        f.block((done) => {
          f.loop((again) => {
            f.block((single) => {
              f.brIf(single, i32.lt_u(pairs, i32.const(GROUP)));
              f.loop((next) => {
                compute(GROUP, single);
                f.brIf(next, i32.ge_u(pairs, i32.const(GROUP)));
              });
            });
            f.brIf(done, i32.eqz(pairs));
            // Also those of a group that was refused: its test is coarser, and some of them may stand.
            f.loop((next) => {
              compute(1, done);
              f.brIf(next, i32.and(pairs, i32.const(GROUP - 1)));
            });
            f.br(again);
          });
        });
        for (const [register, local] of last) {
          f.set(registers.vector('d', register)!, f64x2.splatLast(local));
        }
        const rounds = i32.mul(i32.sub(all, pairs), i32.const(LANES));
        f.set(this.fuel, i32.sub(this.fuel, i32.mul(rounds, i32.const(round))));
        ran(rounds);
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
    const bits = this.state.mode === 'sticky' ? [EXPONENT, LEAST, LARGEST] : [SIZE, SMALL];
    this.constants = new Map(
      bits.map((value) => [
        value,
        this.keep(f64x2.splat(f64.reinterpret_i64(i64.or(zero, i64.const(value))))),
      ]),
    );
  }

  /** Fused multiply-adds with a factor that is the same in all rounds: it must be an integer. */
  private multiples({ items, read }: ElementLoop, none: Label): Set<Item> {
    const { f, registers, mode } = this.state;
    const multiples = new Set<Item>();
    if (mode !== 'clear') return multiples;
    for (const item of items) {
      const { instruction, rs2 } = item.decoded;
      if (!/^fn?m(add|sub)/.test(instruction.name) || !read.has(rs2)) continue;
      const factor = registers.double(rs2);
      const integer = f64.convert_i64_s(i64.trunc_sat_f64_s(factor));
      f.brIf(none, f64.ne(integer, factor));
      multiples.add(item);
    }
    return multiples;
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

  /**
   * Vectors of two rounds each. Nothing is stored before all results are tested.
   * @returns the values of the registers that the last two rounds write
   */
  private group(
    loop: ElementLoop,
    multiples: ReadonlySet<Item>,
    vectors: number,
    refused: Label,
  ): Map<number, Local<'v128'>> {
    const { f, registers } = this.state;
    const places = new Map<Access, { host: Local<'i32'>; offset: number }>();
    for (const access of loop.accesses.values()) {
      const { host, offset } = this.host(access);
      const place = this.temp('i32');
      f.set(place, host);
      places.set(access, { host: place, offset });
    }
    const isSticky = this.state.mode === 'sticky';
    const test = isSticky ? this.ordinary(vectors, refused) : this.exact(refused);
    const computed = Array.from({ length: vectors }, (_, i) =>
      this.vector(loop, multiples, test, (access) => {
        const { host, offset } = places.get(access)!;
        return v128.load(host, offset + i * LANES * BYTES);
      }),
    );
    test.end();
    const { host, offset } = places.get(loop.store)!;
    for (const [i, { stored }] of computed.entries()) {
      f.do(v128.store(host, stored, offset + i * LANES * BYTES));
    }
    for (const [n, step] of loop.steps) {
      f.set(registers.x(n), i64.add(registers.x(n), i64.const(vectors * LANES * step)));
    }
    return computed.at(-1)!.values;
  }

  /** Computes two rounds, but for their store. */
  private vector(
    { items, accesses, store }: ElementLoop,
    multiples: ReadonlySet<Item>,
    test: Test,
    load: (access: Access) => Expr<'v128'>,
  ): Computed {
    const values = new Map<number, Local<'v128'>>();
    const valueOf = (register: number): Local<'v128'> =>
      values.get(register) ?? this.state.registers.vector('d', register)!;
    let stored: Local<'v128'> | undefined;
    for (const item of items) {
      const { instruction, rd, rs1, rs2, rs3 } = item.decoded;
      const access = accesses.get(item);
      if (access === store) stored = valueOf(rs2);
      else if (access) values.set(rd, this.keep(load(access)));
      else if (instruction.name !== 'addi') {
        const operands = [rs1, rs2, rs3].map(valueOf);
        const result = this.compute(instruction.name, operands, multiples.has(item));
        test.add(result);
        values.set(rd, result.r);
      }
    }
    return { values, stored: stored! };
  }

  private compute(name: string, [x, b, y]: readonly Local<'v128'>[], isMultiple: boolean): Result {
    const [, n, fused, kind] = /^f(n?)(m?)(add|sub|mul)/.exec(name)!;
    if (fused === '') {
      const op = kind as 'add' | 'sub' | 'mul';
      return { op, r: this.keep(f64x2[op](x, b)), operands: [x, b], isMultiple };
    }
    // fnmadd is -(a × b) - c, fnmsub -(a × b) + c.
    const isNegative = n === 'n';
    const a = isNegative ? this.keep(f64x2.neg(x)) : x;
    const c = isNegative === (kind === 'add') ? this.keep(f64x2.neg(y)) : y;
    const r = this.keep(f64x2.relaxed_madd(a, b, c));
    return { op: 'fma', r, operands: [a, b, c], isMultiple };
  }

  private refusals(): Refusals {
    return new Refusals(
      (bits) => this.constants.get(bits)!,
      (value) => this.keep(value),
    );
  }

  /** Goes to `refused` if a result may not be exact. Each is tested at once: V8 has no registers for what more take. */
  private exact(refused: Label): Test {
    const refusals = this.refusals();
    return {
      add: (result) => {
        const rest = refusals.rest(result);
        this.state.f.brIf(refused, f64x2.bitmask(f64x2.ne(rest, v128.zero)));
      },
      end: () => undefined,
    };
  }

  /**
   * Goes to `refused` if a result is no ordinary number. Exact zeros may stand where there is one vector; more of them are
   * tested together, by the least and the largest of their exponents.
   */
  private ordinary(vectors: number, refused: Label): Test {
    const { f } = this.state;
    const refusals = this.refusals();
    const isOdd = (least: Local<'v128'>, largest: Local<'v128'>): Expr<'i32'> =>
      f64x2.bitmask(refusals.notOrdinary(least, largest));
    if (vectors === 1) {
      const add = (result: Result): void => {
        const exponent = this.keep(refusals.exponent(result.r));
        f.if(isOdd(exponent, exponent), () => {
          const odd = refusals.notOrdinary(exponent, exponent);
          f.brIf(refused, f64x2.bitmask(v128.and(odd, refusals.notZero(result))));
        });
      };
      return { add, end: () => undefined };
    }
    let least: Local<'v128'> | undefined;
    let largest: Local<'v128'> | undefined;
    return {
      add: ({ r }) => {
        const exponent = this.keep(refusals.exponent(r));
        least = least ? this.keep(f64x2.pmin(least, exponent)) : exponent;
        largest = largest ? this.keep(f64x2.pmax(largest, exponent)) : exponent;
      },
      end: () => {
        if (least && largest) f.brIf(refused, isOdd(least, largest));
      },
    };
  }
}
