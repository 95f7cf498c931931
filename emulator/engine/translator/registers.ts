import { HART } from '../../memory/layout';
import { f32, f32x4, f64, f64x2, i32, i64, select } from '../../wasm';
import type { Expr, FunctionBuilder, Local } from '../../wasm';
import { ALL_LOADED, type RegisterState } from './flow';
import type { Region } from './region';

const CANONICAL_NAN = 0x7fc00000;
const BOX = 0xffffffff00000000n;

const bit = (register: number): number => 1 << register;

/** The registers in a set of bits, in ascending order. */
export function registersIn(set: number): number[] {
  const list: number[] = [];
  for (let rest = set; rest !== 0; rest &= rest - 1) list.push(31 - Math.clz32(rest & -rest));
  return list;
}

const isVector = (local: Local | undefined): local is Local<'v128'> => local?.type === 'v128';

/** A boxed single as all 64 bits. */
const boxed = (single: Expr<'f32'>): Expr<'i64'> =>
  i64.or(i64.extend_i32_u(i32.reinterpret_f32(single)), i64.const(BOX));

/**
 * For each format whether registers are kept in vectors with the value in all lanes. Where there are fused
 * multiply-adds, which WebAssembly has for vectors only, that saves to make vectors of them each time.
 */
export interface InVectors {
  readonly s: boolean;
  readonly d: boolean;
}

/** @param isHost whether the host's multiply-add computes */
export function inVectors({ blocks }: Region, isHost: boolean): InVectors {
  const has = (names: RegExp): boolean =>
    isHost &&
    blocks.some(({ items }) => items.some(({ decoded }) => names.test(decoded.instruction.name)));
  return { s: has(/^fn?m(add|sub)\.s$/), d: has(/^fn?m(add|sub)\.d$/) };
}

/** The guest's registers in locals of a region's function, and what is known of them where code is written. */
export class Registers {
  state: RegisterState = { ...ALL_LOADED };
  private readonly xs: Local<'i64'>[] = [];
  private readonly singles: (Local<'f32'> | Local<'v128'>)[] = [];
  private readonly doubles: (Local<'f64'> | Local<'v128'>)[] = [];

  constructor(
    private readonly f: FunctionBuilder,
    private readonly context: Local<'i32'>,
    readonly inVectors: InVectors,
  ) {}

  x(n: number): Local<'i64'> {
    return (this.xs[n] ??= this.f.local('i64'));
  }

  single(n: number): Expr<'f32'> {
    const local = (this.singles[n] ??= this.f.local(this.inVectors.s ? 'v128' : 'f32'));
    return isVector(local) ? f32x4.first(local) : local;
  }

  double(n: number): Expr<'f64'> {
    const local = (this.doubles[n] ??= this.f.local(this.inVectors.d ? 'v128' : 'f64'));
    return isVector(local) ? f64x2.first(local) : local;
  }

  /** The vector that a register is kept in, whose local is valid. */
  vector(format: 's' | 'd', n: number): Local<'v128'> | undefined {
    const local = (format === 's' ? this.singles : this.doubles)[n];
    return isVector(local) ? local : undefined;
  }

  private writeSingle(n: number, value: Expr<'f32'>, vector = f32x4.splat(value)): void {
    this.single(n);
    const local = this.singles[n];
    if (isVector(local)) this.f.set(local, vector);
    else this.f.set(local, value);
  }

  private writeDouble(n: number, value: Expr<'f64'>, vector = f64x2.splat(value)): void {
    this.double(n);
    const local = this.doubles[n];
    if (isVector(local)) this.f.set(local, vector);
    else this.f.set(local, value);
  }

  setX(n: number, value: Expr<'i64'>): void {
    this.f.set(this.x(n), value);
    this.state.dirtyX |= bit(n);
  }

  /** @param vector the value in all lanes, if it is at hand */
  setSingle(n: number, value: Expr<'f32'>, vector?: Expr<'v128'>): void {
    this.writeSingle(n, value, vector);
    this.state.dirtyF |= bit(n);
    this.state.single |= bit(n);
    this.state.boxed |= bit(n);
    this.state.double &= ~bit(n);
  }

  setDouble(n: number, value: Expr<'f64'>, vector?: Expr<'v128'>): void {
    this.writeDouble(n, value, vector);
    this.state.dirtyF |= bit(n);
    this.state.double |= bit(n);
    this.state.single &= ~bit(n);
    this.state.boxed &= ~bit(n);
  }

  holdsSingle(n: number): boolean {
    return (this.state.single & bit(n)) !== 0;
  }

  holdsDouble(n: number): boolean {
    return (this.state.double & bit(n)) !== 0;
  }

  /** The register as a single; one that holds no boxed single is the canonical NaN. */
  readSingle(n: number): Expr<'f32'> {
    if (!this.holdsSingle(n)) {
      this.writeSingle(n, this.unboxed(this.double(n)));
      this.state.single |= bit(n);
    }
    return this.single(n);
  }

  /** All 64 bits of the register. */
  readDouble(n: number): Expr<'f64'> {
    if (!this.holdsDouble(n)) {
      this.writeDouble(n, f64.reinterpret_i64(boxed(this.single(n))));
      this.state.double |= bit(n);
    }
    return this.double(n);
  }

  /** All 64 bits, from whichever local holds them. */
  readBits(n: number): Expr<'i64'> {
    return this.holdsDouble(n) ? i64.reinterpret_f64(this.double(n)) : boxed(this.single(n));
  }

  private unboxed(double: Expr<'f64'>): Expr<'f32'> {
    const bits = i64.reinterpret_f64(double);
    const isBoxed = i64.eq(i64.shr_s(bits, i64.const(32)), i64.const(-1));
    return select(isBoxed, f32.reinterpret_i32(i32.wrap_i64(bits)), f32.bits(CANONICAL_NAN));
  }

  /** Loads integer registers from the context. */
  loadX(set: number): void {
    for (const n of registersIn(set)) {
      this.f.set(this.x(n), i64.load(this.context, HART.x + 8 * n));
    }
  }

  /** Loads all bits of floating-point registers. */
  loadDoubles(set: number): void {
    for (const n of registersIn(set)) {
      const at = HART.f + 8 * n;
      this.writeDouble(n, f64.load(this.context, at), f64x2.loadSplat(this.context, at));
    }
  }

  /** Loads floating-point registers that must hold boxed singles; `leave` where one does not. */
  loadSingles(set: number, leaveIf: (condition: Expr<'i32'>) => void): void {
    for (const n of registersIn(set)) {
      const at = HART.f + 8 * n;
      leaveIf(i32.ne(i32.load(this.context, at + 4), i32.const(-1)));
      this.writeSingle(n, f32.load(this.context, at), f32x4.loadSplat(this.context, at));
    }
  }

  storeX(n: number): void {
    this.f.do(i64.store(this.context, this.x(n), HART.x + 8 * n));
  }

  storeSingle(n: number): void {
    this.f.do(f32.store(this.context, this.single(n), HART.f + 8 * n));
    this.f.do(i32.store(this.context, i32.const(-1), HART.f + 8 * n + 4));
  }

  storeDouble(n: number): void {
    this.f.do(f64.store(this.context, this.double(n), HART.f + 8 * n));
  }

  /**
   * Brings the context up to date. The locals stay as they are.
   * @param kept integer registers that it need not have [none]
   */
  spill(kept = 0): void {
    const { dirtyX, dirtyF, double } = this.state;
    for (const n of registersIn(dirtyX & ~kept)) this.storeX(n);
    for (const n of registersIn(dirtyF & double)) this.storeDouble(n);
    for (const n of registersIn(dirtyF & ~double)) this.storeSingle(n);
  }

  /** Makes the 64-bit locals of `set` valid where code is entered that expects them. */
  agree(set: number): void {
    for (const n of registersIn(set)) this.readDouble(n);
  }
}
