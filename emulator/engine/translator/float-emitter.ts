import type { FloatArithmetic, FloatHelper, Format } from '../../isa/emitter';
import { HART } from '../../memory/layout';
import {
  call,
  choose,
  f32,
  f32x4,
  f64,
  f64x2,
  i32,
  i64,
  type Expr,
  type Local,
  type ValueType,
} from '../../wasm';
import { FLOAT_ARITY } from '../float';
import { EXIT } from '../records';
import {
  needExactDouble,
  needExactFma,
  needExactFrom,
  needExactSingle,
  type Scope,
} from './exactness';
import { FLOATS, type HostFloat } from './host-float';
import type { Item } from './region';
import type { RegionState } from './region-emitter';
import { reliesOnMode } from './traits';

/** An integer expression that is also at hand as a floating-point one. */
export interface FloatExpr extends Expr<'i64'> {
  readonly single?: Expr<'f32'>;
  readonly double?: Expr<'f64'>;
  /** The floating-point value in all lanes. */
  readonly vector?: Expr<'v128'>;
}

/** Leaves unless a result is exact. */
type NeedExact<T extends 'f32' | 'f64'> = (s: Scope, result: Local<T>) => void;

const HALF_BOX = 0xffffffffffff0000n;
const HALF_NAN = 0x7e00n;
const DYNAMIC = 7;
/** Rounding modes of the `rm` field that the host rounds to integers with: RNE, RTZ, RDN, RUP; the last one is RMM. */
const HOST_MODES = 4;
const LAST_MODE = 4;

/**
 * The floating-point half of a region's emitter.
 *
 * In the modes `sticky` and `clear` the host computes (float-mode.ts). A result that may raise a flag leaves for
 * the interpreter, which computes it exactly.
 * Everything the host has no instruction for is a call of the interpreter's floating-point functions.
 */
export abstract class FloatEmitter {
  constructor(
    readonly state: RegionState,
    protected readonly item: Item,
    private readonly executed: number,
    protected readonly temp: <T extends ValueType>(type: T) => Local<T>,
  ) {}

  let<T extends ValueType>(value: Expr<T>): Local<T> {
    const local = this.temp(value.type);
    this.state.f.set(local, value);
    return local;
  }

  /** Leaves the region for the interpreter: this instruction has not run, or, `after` it, the next one. */
  protected leaveFor(kind: number, after = false): void {
    const { pc, decoded } = this.item;
    this.state.exits.leave({
      pc: after ? pc + decoded.length : pc,
      interpret: true,
      kind,
      executed: this.executed + (after ? 1 : 0),
    });
  }

  protected leaveIf(condition: Expr<'i32'>, kind: number, after = false): void {
    this.state.f.if(condition, () => this.leaveFor(kind, after));
  }

  // Registers

  fraw(field: 'rs1' | 'rs2'): FloatExpr {
    const { registers } = this.state;
    const n = this.item.decoded[field];
    const bits = registers.readBits(n);
    return registers.holdsDouble(n)
      ? { ...bits, double: registers.double(n) }
      : { ...bits, single: registers.single(n) };
  }

  f(field: 'rs1' | 'rs2' | 'rs3', format: Format): FloatExpr {
    const { registers } = this.state;
    const n = this.item.decoded[field];
    if (format === 's') {
      const single = registers.readSingle(n);
      const vector = registers.vector('s', n);
      return { ...i64.extend_i32_u(i32.reinterpret_f32(single)), single, vector };
    }
    const double = registers.readDouble(n);
    const bits = i64.reinterpret_f64(double);
    if (format === 'd') return { ...bits, double, vector: registers.vector('d', n) };
    return choose(
      i64.eq(i64.shr_s(bits, i64.const(16)), i64.const(-1)),
      i64.and(bits, i64.const(0xffff)),
      i64.const(HALF_NAN),
    );
  }

  setF(format: Format, value: FloatExpr): void {
    const { registers } = this.state;
    const { rd } = this.item.decoded;
    if (format === 's') {
      const single = value.single ?? f32.reinterpret_i32(i32.wrap_i64(value));
      registers.setSingle(rd, single, value.single && value.vector);
    } else if (format === 'd') {
      const double = value.double ?? f64.reinterpret_i64(value);
      registers.setDouble(rd, double, value.double && value.vector);
    } else {
      const low = i64.and(value, i64.const(0xffff));
      registers.setDouble(rd, f64.reinterpret_i64(i64.or(low, i64.const(HALF_BOX))));
    }
  }

  // Arithmetic

  arithmetic(format: Format, op: FloatArithmetic): void {
    const operands = (op === 'sqrt' ? (['rs1'] as const) : (['rs1', 'rs2'] as const)).map((field) =>
      this.f(field, format),
    );
    if (format === 'h' || !this.hostRounds()) {
      this.setF(format, this.helper(op, format, operands));
    } else if (format === 's') {
      const [a, b] = operands.map(({ single }) => single!);
      const vector = this.vectors(f32x4, op, operands);
      const value = vector ? f32x4.first(vector) : op === 'sqrt' ? f32.sqrt(a) : f32[op](a, b);
      const needExact: NeedExact<'f32'> = (s, r) => needExactSingle(s, op, r, a, b);
      this.hostResult(FLOATS.s, op, [a, b], value, needExact, vector);
    } else {
      const [a, b] = operands.map(({ double }) => double!);
      const vector = this.vectors(f64x2, op, operands);
      const value = vector ? f64x2.first(vector) : op === 'sqrt' ? f64.sqrt(a) : f64[op](a, b);
      const needExact: NeedExact<'f64'> = (s, r) => needExactDouble(s, op, r, a, b);
      this.hostResult(FLOATS.d, op, [a, b], value, needExact, vector);
    }
  }

  /** The result of an operation on registers that are kept in vectors. */
  private vectors(
    host: typeof f32x4 | typeof f64x2,
    op: FloatArithmetic,
    [a, b]: readonly FloatExpr[],
  ): Local<'v128'> | undefined {
    return op !== 'sqrt' && a.vector && b.vector
      ? this.let(host[op](a.vector, b.vector))
      : undefined;
  }

  fusedMultiplyAdd(format: Format, negateProduct: boolean, negateAddend: boolean): void {
    const operands = (['rs1', 'rs2', 'rs3'] as const).map((field) => this.f(field, format));
    if (format === 'h' || !this.hostRounds() || !this.state.relaxedMadd) {
      const sign = { h: 1n << 15n, s: 1n << 31n, d: 1n << 63n }[format];
      const flip = (v: Expr<'i64'>, on: boolean): Expr<'i64'> =>
        on ? i64.xor(v, i64.const(sign)) : v;
      const [a, b, c] = operands;
      this.setF(
        format,
        this.helper('fma', format, [flip(a, negateProduct), b, flip(c, negateAddend)]),
      );
      return;
    }
    const negated = [negateProduct, false, negateAddend];
    const vectorOf = ({ vector, single, double }: FloatExpr, negate: boolean): Expr<'v128'> => {
      if (format === 's') {
        if (vector) return negate ? f32x4.neg(vector) : vector;
        return f32x4.splat(negate ? f32.neg(single!) : single!);
      }
      if (vector) return negate ? f64x2.neg(vector) : vector;
      return f64x2.splat(negate ? f64.neg(double!) : double!);
    };
    const kept = operands.map((operand, i) => this.let(vectorOf(operand, negated[i])));
    const host = format === 's' ? f32x4 : f64x2;
    const sum = this.let(host.relaxed_madd(...kept));
    const needExact = (s: Scope): void => needExactFma(s, format, sum, kept);
    // Whether a factor is zero, infinite or a NaN does not depend on its sign.
    if (format === 's') {
      const values = operands.map(({ single }) => single!);
      this.hostResult(FLOATS.s, 'fma', values, f32x4.first(sum), needExact, sum);
    } else {
      const values = operands.map(({ double }) => double!);
      this.hostResult(FLOATS.d, 'fma', values, f64x2.first(sum), needExact, sum);
    }
  }

  /** Whether the host's rounding is this instruction's. */
  private hostRounds(): boolean {
    return this.state.mode !== 'soft' && reliesOnMode(this.item.decoded);
  }

  /** Whether an inexact result has to leave. */
  private get isClear(): boolean {
    return this.state.mode === 'clear';
  }

  /** Leaves where what is tested is not exact, or does something else then. */
  private exactly(
    test: (s: Scope) => void,
    inexactly = (): void => this.leaveFor(EXIT.float),
  ): void {
    const { f } = this.state;
    f.block((done) => {
      f.block((inexact) => {
        test({
          let: (value) => this.let(value),
          unless: (isExact) => f.brIf(inexact, i32.eqz(isExact)),
          when: (condition, rest) => f.if(condition, rest),
        });
        f.br(done);
      });
      inexactly();
    });
  }

  /** Writes a result that the host has computed, unless it may raise a flag. */
  private hostResult<T extends 'f32' | 'f64'>(
    host: HostFloat<T>,
    op: FloatArithmetic | 'fma',
    operands: readonly Expr<T>[],
    value: Expr<T>,
    needExact: NeedExact<T>,
    vector?: Local<'v128'>,
  ): void {
    const { f } = this.state;
    const result = this.let(value);
    const given = op === 'sqrt' ? operands.slice(0, 1) : operands;
    // Infinities and NaNs that were there before raise no flags; of NaNs the result is the canonical one.
    const special = (): void => {
      f.if(i32.eqz(host.isExactInfinity(result, given)), () => {
        this.leaveIf(i32.eqz(host.isQuiet(op, given)), EXIT.float);
        f.set(result, host.canonicalNaN);
        if (vector) f.set(vector, host.splat(host.canonicalNaN));
      });
    };
    if (this.isClear) this.exactly((s) => needExact(s, result), special);
    else {
      f.if(host.isOdd(result), () => {
        f.if(i32.eqz(host.isExactZero(op, result, operands)), special);
      });
    }
    this.setF(host.format, { ...i64.const(0), [host.view]: result, vector });
  }

  /** A call of one of the interpreter's functions, on bits. */
  private helper(
    op: FloatArithmetic | FloatHelper | 'fma',
    format: Format,
    operands: readonly Expr<'i64'>[],
  ): Expr<'i64'> {
    const { context } = this.state;
    const rm = this.roundingMode(op);
    const index = this.state.helper(`${op}.${format}`);
    return call(index, 'i64', context, rm, ...operands.slice(0, FLOAT_ARITY[op]));
  }

  /** The rounding mode in force; reserved ones make the instruction illegal. */
  private roundingMode(op: FloatArithmetic | FloatHelper | 'fma'): Expr<'i32'> {
    const { rm } = this.item.decoded;
    if (/^(min|max|eq|lt|le|classify)$/.test(op)) return i32.const(0);
    if (rm <= LAST_MODE) return i32.const(rm);
    if (rm !== DYNAMIC) {
      this.leaveFor(EXIT.system);
      return i32.const(0);
    }
    const frm = this.let(
      i32.and(i32.shr_u(i32.load(this.state.context, HART.fcsr), i32.const(5)), i32.const(7)),
    );
    this.leaveIf(i32.gt_u(frm, i32.const(LAST_MODE)), EXIT.system);
    return frm;
  }

  float(op: FloatHelper, format: Format, ...operands: FloatExpr[]): FloatExpr {
    const fast = this.hostHelper(op, format, operands);
    return fast ?? this.let(this.helper(op, format, operands));
  }

  /** What the host has instructions for; undefined where it has not. */
  private hostHelper(
    op: FloatHelper,
    format: Format,
    operands: readonly FloatExpr[],
  ): FloatExpr | undefined {
    if (format === 'h' || op === 'from_h' || op === 'classify') return undefined;
    switch (op) {
      case 'eq':
      case 'lt':
      case 'le':
      case 'min':
      case 'max':
        return format === 's'
          ? this.compare(
              FLOATS.s,
              op,
              operands.map(({ single }) => single!),
            )
          : this.compare(
              FLOATS.d,
              op,
              operands.map(({ double }) => double!),
            );
      case 'to_i32':
      case 'to_u32':
      case 'to_i64':
      case 'to_u64':
        return this.toInteger(op, operands[0]);
      case 'from_i32':
      case 'from_u32':
      case 'from_i64':
      case 'from_u64':
        return this.fromInteger(op, format, operands[0]);
      case 'from_s':
        return this.widen(operands[0].single!);
      case 'from_d':
        return this.narrow(operands[0].double!);
    }
  }

  private compare<T extends 'f32' | 'f64'>(
    host: HostFloat<T>,
    op: 'eq' | 'lt' | 'le' | 'min' | 'max',
    [a, b]: readonly Expr<T>[],
  ): FloatExpr {
    // Comparing a number with itself finds NaNs; what they do is the interpreter's business, but where nothing is raised.
    this.state.f.if(i32.or(host.ne(a, a), host.ne(b, b)), () => {
      if (op !== 'eq') this.leaveFor(EXIT.float);
      else this.leaveIf(i32.or(host.isSignaling(a), host.isSignaling(b)), EXIT.float);
    });
    if (op === 'min' || op === 'max') return host.expression(this.let(host[op](a, b)));
    return i64.extend_i32_u(host[op](a, b));
  }

  private toInteger(
    op: 'to_i32' | 'to_u32' | 'to_i64' | 'to_u64',
    operand: FloatExpr,
  ): FloatExpr | undefined {
    const { rm } = this.item.decoded;
    const mode = rm === DYNAMIC ? 0 : rm;
    if (!this.hostRounds() || mode >= HOST_MODES) return undefined;
    const round = [f64.nearest, f64.trunc, f64.floor, f64.ceil][mode];
    const given = this.let(operand.double ?? f64.promote_f32(operand.single!));
    const value = this.let(round(given));
    if (this.isClear) this.leaveIf(f64.ne(given, value), EXIT.float);
    const bound = (n: number): Expr<'f64'> => {
      const view = new DataView(new ArrayBuffer(8));
      view.setFloat64(0, n);
      return f64.bits(view.getBigUint64(0));
    };
    const [low, high] = {
      to_i32: [-(2 ** 31), 2 ** 31],
      to_u32: [0, 2 ** 32],
      to_i64: [-(2 ** 63), 2 ** 63],
      to_u64: [0, 2 ** 64],
    }[op];
    const inRange = i32.and(f64.ge(value, bound(low)), f64.lt(value, bound(high)));
    this.leaveIf(i32.eqz(inRange), EXIT.float);
    switch (op) {
      case 'to_i32':
        return i64.extend_i32_s(i32.trunc_sat_f64_s(value));
      case 'to_u32':
        return i64.extend_i32_s(i32.trunc_sat_f64_u(value));
      case 'to_i64':
        return i64.trunc_sat_f64_s(value);
      case 'to_u64':
        return i64.trunc_sat_f64_u(value);
    }
  }

  private fromInteger(
    op: 'from_i32' | 'from_u32' | 'from_i64' | 'from_u64',
    format: 's' | 'd',
    operand: Expr<'i64'>,
  ): FloatExpr | undefined {
    const isExact = format === 'd' && op.endsWith('32') && this.item.decoded.rm <= LAST_MODE;
    if (!isExact && !this.hostRounds()) return undefined;
    const from = {
      from_i32: {
        s: () => f32.convert_i32_s(i32.wrap_i64(operand)),
        d: () => f64.convert_i32_s(i32.wrap_i64(operand)),
      },
      from_u32: {
        s: () => f32.convert_i32_u(i32.wrap_i64(operand)),
        d: () => f64.convert_i32_u(i32.wrap_i64(operand)),
      },
      from_i64: { s: () => f32.convert_i64_s(operand), d: () => f64.convert_i64_s(operand) },
      from_u64: { s: () => f32.convert_i64_u(operand), d: () => f64.convert_i64_u(operand) },
    }[op];
    const single = format === 's' ? this.let(from.s()) : undefined;
    const double = this.let(single ? f64.promote_f32(single) : from.d());
    if (this.isClear && !isExact) this.exactly((s) => needExactFrom(s, op, double, operand));
    return single ? FLOATS.s.expression(single) : FLOATS.d.expression(double);
  }

  /** Single to double: exact, and raises nothing unless it is a NaN. */
  private widen(single: Expr<'f32'>): FloatExpr | undefined {
    if (this.item.decoded.rm > LAST_MODE && !this.hostRounds()) return undefined;
    this.leaveIf(f32.ne(single, single), EXIT.float);
    return FLOATS.d.expression(this.let(f64.promote_f32(single)));
  }

  private narrow(double: Expr<'f64'>): FloatExpr | undefined {
    if (!this.hostRounds()) return undefined;
    const result = this.let(f32.demote_f64(double));
    if (this.isClear) this.leaveIf(f64.ne(f64.promote_f32(result), double), EXIT.float);
    this.state.f.if(FLOATS.s.isOdd(result), () => {
      this.leaveIf(f64.ne(double, f64.bits(0n)), EXIT.float);
    });
    return FLOATS.s.expression(result);
  }
}
