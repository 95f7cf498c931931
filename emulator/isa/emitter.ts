import { i64, type Expr, type Local, type ValueType } from '../wasm';

/** Floating-point formats: half, single, double precision. */
export type Format = 'h' | 's' | 'd';

/** How a memory access reads: the width in bits and the extension to 64 bits. */
export type LoadKind = 'i8' | 'u8' | 'i16' | 'u16' | 'i32' | 'u32' | 'i64';
/** How many low bits of a register a memory access writes. */
export type StoreKind = '8' | '16' | '32' | '64';
/** Width of an atomic access. */
export type AtomicWidth = '32' | '64';
export type AmoOperation = 'swap' | 'add' | 'and' | 'or' | 'xor' | 'min' | 'max' | 'minu' | 'maxu';

/** Operations whose result is rounded: they use the rounding mode and raise flags. */
export type FloatArithmetic = 'add' | 'sub' | 'mul' | 'div' | 'sqrt';

/**
 * Other floating-point operations, computed by the engine's helpers on the bits of the operands.
 * Conversions to integers round by the instruction's mode; comparisons give 0 or 1.
 */
export type FloatHelper =
  | 'min'
  | 'max'
  | 'eq'
  | 'lt'
  | 'le'
  | 'classify'
  | 'to_i32'
  | 'to_u32'
  | 'to_i64'
  | 'to_u64'
  | 'from_i32'
  | 'from_u32'
  | 'from_i64'
  | 'from_u64'
  | 'from_h'
  | 'from_s'
  | 'from_d';

/** Why an instruction hands over to the hart loop. */
export type TrapReason = 'ecall' | 'ebreak' | 'illegal' | 'fence.i' | 'csr' | 'pause';

/**
 * What an instruction's semantics are written against. The interpreter and the translator each implement
 * it: the one reads operands from a predecoded record, the other knows them as constants.
 *
 * Expressions are code, not values: an expression used twice is computed twice; `let` keeps a value.
 * A result may be read before it is written: semantics write `rd` last, once.
 */
export interface Emitter {
  /** An integer register, 64 bits; x0 reads as 0. */
  x(field: 'rs1' | 'rs2'): Expr<'i64'>;
  /** The low 32 bits of an integer register. */
  w(field: 'rs1' | 'rs2'): Expr<'i32'>;
  /** The immediate, sign-extended (shift amounts and csr numbers too). */
  imm(): Expr<'i64'>;
  imm32(): Expr<'i32'>;
  /** This instruction's address. */
  pc(): Expr<'i64'>;
  /** The address of the next instruction in memory: pc + 2 or 4. */
  nextPc(): Expr<'i64'>;

  /** Writes integer register rd (x0 ignores it). */
  setX(value: Expr<'i64'>): void;
  /** Writes rd with a 32-bit result, sign-extended. */
  setW(value: Expr<'i32'>): void;
  /** Computes `value` now and keeps it. */
  let<T extends ValueType>(value: Expr<T>): Local<T>;
  /** Computes only the chosen side. */
  choose<T extends ValueType>(condition: Expr<'i32'>, yes: Expr<T>, no: Expr<T>): Expr<T>;

  /** Memory: address is any 64-bit value; a fault leaves the instruction before any effect. */
  load(kind: LoadKind, address: Expr<'i64'>): Expr<'i64'>;
  store(kind: StoreKind, address: Expr<'i64'>, value: Expr<'i64'>): void;
  /** Atomics: the old value, sign-extended from 32 bits for width '32'. Misaligned addresses trap. */
  amo(op: AmoOperation, width: AtomicWidth, address: Expr<'i64'>, value: Expr<'i64'>): Expr<'i64'>;
  loadReserved(width: AtomicWidth, address: Expr<'i64'>): Expr<'i64'>;
  /** 0 when stored, 1 when the reservation was lost. */
  storeConditional(width: AtomicWidth, address: Expr<'i64'>, value: Expr<'i64'>): Expr<'i64'>;
  fence(): void;

  /** Control: to pc + imm when `condition` is not 0. */
  branch(condition: Expr<'i32'>): void;
  /** To pc + imm; `rd` gets the address of the next instruction. */
  jump(): void;
  /** To `address` with bit 0 cleared; `rd` gets the address of the next instruction. */
  jumpIndirect(address: Expr<'i64'>): void;
  trap(reason: TrapReason): void;

  /** All 64 bits of a floating-point register. */
  fraw(field: 'rs1' | 'rs2'): Expr<'i64'>;
  /**
   * The bits of a value of the format, zero-extended to 64; a register that does not hold a properly
   * boxed value of a narrower format gives the canonical NaN.
   */
  f(field: 'rs1' | 'rs2' | 'rs3', format: Format): Expr<'i64'>;
  /** Writes rd with a value of the format, boxed with ones. `bits` has zeros or anything above it. */
  setF(format: Format, bits: Expr<'i64'>): void;
  /** `rd = rs1 op rs2` (`sqrt`: of rs1), rounded by the instruction's mode, flags raised. */
  arithmetic(format: Format, op: FloatArithmetic): void;
  /** `rd = ±(rs1 × rs2) ± rs3` with one rounding. */
  fusedMultiplyAdd(format: Format, negateProduct: boolean, negateAddend: boolean): void;
  /** A helper on bits as `f` gives them (or integers, for `from_…`); flags raised, nothing written. */
  float(op: FloatHelper, format: Format, ...operands: Expr<'i64'>[]): Expr<'i64'>;
}

/** Where a load or store with an offset goes: rs1 + imm. */
export const effectiveAddress = (s: Emitter): Expr<'i64'> => i64.add(s.x('rs1'), s.imm());
