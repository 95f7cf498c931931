import type { CodeWriter } from './code';
import { expr, type Expr, type ResultType, type ValueType } from './code';

/**
 * WebAssembly's instructions under their own names: `i64.add(a, b)`, `i32.wrap_i64(x)`, `f64.load(address, 8)`.
 * Numbers are the opcodes of the specification (section 5.4; threads proposal and fixed-width SIMD for the prefixed ones).
 */

type Unary<A extends ValueType, R extends ValueType> = (a: Expr<A>) => Expr<R>;
type Binary<A extends ValueType, R extends ValueType> = (a: Expr<A>, b: Expr<A>) => Expr<R>;
type Load<R extends ValueType> = (address: Expr<'i32'>, offset?: number) => Expr<R>;
type Store<V extends ValueType> = (
  address: Expr<'i32'>,
  value: Expr<V>,
  offset?: number,
) => Expr<'void'>;

const unary =
  <A extends ValueType, R extends ValueType>(result: R, opcode: number): Unary<A, R> =>
  (a) =>
    expr(result, (code) => {
      a.emit(code);
      code.u8(opcode);
    });

const binary =
  <A extends ValueType, R extends ValueType>(result: R, opcode: number): Binary<A, R> =>
  (a, b) =>
    expr(result, (code) => {
      a.emit(code);
      b.emit(code);
      code.u8(opcode);
    });

/** A saturating conversion (prefix 0xfc). */
const saturating =
  <A extends ValueType, R extends ValueType>(result: R, opcode: number): Unary<A, R> =>
  (a) =>
    expr(result, (code) => {
      a.emit(code);
      code.u8(0xfc).uleb(opcode);
    });

/** Alignment hint 0 (a byte) is always valid for plain accesses; atomic ones must state their own size. */
const load =
  <R extends ValueType>(result: R, opcode: number): Load<R> =>
  (address, offset = 0) =>
    expr(result, (code) => {
      address.emit(code);
      code.u8(opcode).uleb(0).uleb(offset);
    });

const store =
  <V extends ValueType>(opcode: number): Store<V> =>
  (address, value, offset = 0) =>
    expr('void', (code) => {
      address.emit(code);
      value.emit(code);
      code.u8(opcode).uleb(0).uleb(offset);
    });

function atomic(code: CodeWriter, opcode: number, log2Size: number, offset: number): void {
  code.u8(0xfe).uleb(opcode).uleb(log2Size).uleb(offset);
}

const atomicLoad =
  <R extends ValueType>(result: R, opcode: number, log2Size: number): Load<R> =>
  (address, offset = 0) =>
    expr(result, (code) => {
      address.emit(code);
      atomic(code, opcode, log2Size, offset);
    });

const atomicStore =
  <V extends ValueType>(opcode: number, log2Size: number): Store<V> =>
  (address, value, offset = 0) =>
    expr('void', (code) => {
      address.emit(code);
      value.emit(code);
      atomic(code, opcode, log2Size, offset);
    });

/** An atomic read-modify-write: leaves the old value. */
const rmw =
  <T extends ValueType>(type: T, opcode: number, log2Size: number) =>
  (address: Expr<'i32'>, value: Expr<T>, offset = 0): Expr<T> =>
    expr(type, (code) => {
      address.emit(code);
      value.emit(code);
      atomic(code, opcode, log2Size, offset);
    });

/** An atomic compare-exchange: leaves the old value, which equals `expected` when the exchange happened. */
const cmpxchg =
  <T extends ValueType>(type: T, opcode: number, log2Size: number) =>
  (address: Expr<'i32'>, expected: Expr<T>, replacement: Expr<T>, offset = 0): Expr<T> =>
    expr(type, (code) => {
      address.emit(code);
      expected.emit(code);
      replacement.emit(code);
      atomic(code, opcode, log2Size, offset);
    });

export const i32 = {
  const: (value: number): Expr<'i32'> => ({
    type: 'i32',
    constant: value | 0,
    emit: (code) => code.u8(0x41).sleb32(value),
  }),
  eqz: unary<'i32', 'i32'>('i32', 0x45),
  eq: binary<'i32', 'i32'>('i32', 0x46),
  ne: binary<'i32', 'i32'>('i32', 0x47),
  lt_s: binary<'i32', 'i32'>('i32', 0x48),
  lt_u: binary<'i32', 'i32'>('i32', 0x49),
  gt_s: binary<'i32', 'i32'>('i32', 0x4a),
  gt_u: binary<'i32', 'i32'>('i32', 0x4b),
  le_s: binary<'i32', 'i32'>('i32', 0x4c),
  le_u: binary<'i32', 'i32'>('i32', 0x4d),
  ge_s: binary<'i32', 'i32'>('i32', 0x4e),
  ge_u: binary<'i32', 'i32'>('i32', 0x4f),
  clz: unary<'i32', 'i32'>('i32', 0x67),
  ctz: unary<'i32', 'i32'>('i32', 0x68),
  popcnt: unary<'i32', 'i32'>('i32', 0x69),
  add: binary<'i32', 'i32'>('i32', 0x6a),
  sub: binary<'i32', 'i32'>('i32', 0x6b),
  mul: binary<'i32', 'i32'>('i32', 0x6c),
  div_s: binary<'i32', 'i32'>('i32', 0x6d),
  div_u: binary<'i32', 'i32'>('i32', 0x6e),
  rem_s: binary<'i32', 'i32'>('i32', 0x6f),
  rem_u: binary<'i32', 'i32'>('i32', 0x70),
  and: binary<'i32', 'i32'>('i32', 0x71),
  or: binary<'i32', 'i32'>('i32', 0x72),
  xor: binary<'i32', 'i32'>('i32', 0x73),
  shl: binary<'i32', 'i32'>('i32', 0x74),
  shr_s: binary<'i32', 'i32'>('i32', 0x75),
  shr_u: binary<'i32', 'i32'>('i32', 0x76),
  rotl: binary<'i32', 'i32'>('i32', 0x77),
  rotr: binary<'i32', 'i32'>('i32', 0x78),
  load: load('i32', 0x28),
  load8_s: load('i32', 0x2c),
  load8_u: load('i32', 0x2d),
  load16_s: load('i32', 0x2e),
  load16_u: load('i32', 0x2f),
  store: store<'i32'>(0x36),
  store8: store<'i32'>(0x3a),
  store16: store<'i32'>(0x3b),
  wrap_i64: unary<'i64', 'i32'>('i32', 0xa7),
  reinterpret_f32: unary<'f32', 'i32'>('i32', 0xbc),
  extend8_s: unary<'i32', 'i32'>('i32', 0xc0),
  extend16_s: unary<'i32', 'i32'>('i32', 0xc1),
  trunc_sat_f32_s: saturating<'f32', 'i32'>('i32', 0),
  trunc_sat_f32_u: saturating<'f32', 'i32'>('i32', 1),
  trunc_sat_f64_s: saturating<'f64', 'i32'>('i32', 2),
  trunc_sat_f64_u: saturating<'f64', 'i32'>('i32', 3),
  atomic_load: atomicLoad('i32', 0x10, 2),
  atomic_store: atomicStore<'i32'>(0x17, 2),
  rmw_add: rmw('i32', 0x1e, 2),
  rmw_sub: rmw('i32', 0x25, 2),
  rmw_and: rmw('i32', 0x2c, 2),
  rmw_or: rmw('i32', 0x33, 2),
  rmw_xor: rmw('i32', 0x3a, 2),
  rmw_xchg: rmw('i32', 0x41, 2),
  rmw_cmpxchg: cmpxchg('i32', 0x48, 2),
};

export const i64 = {
  const: (value: bigint | number): Expr<'i64'> => ({
    type: 'i64',
    constant: BigInt.asIntN(64, BigInt(value)),
    emit: (code) => code.u8(0x42).sleb64(BigInt(value)),
  }),
  eqz: unary<'i64', 'i32'>('i32', 0x50),
  eq: binary<'i64', 'i32'>('i32', 0x51),
  ne: binary<'i64', 'i32'>('i32', 0x52),
  lt_s: binary<'i64', 'i32'>('i32', 0x53),
  lt_u: binary<'i64', 'i32'>('i32', 0x54),
  gt_s: binary<'i64', 'i32'>('i32', 0x55),
  gt_u: binary<'i64', 'i32'>('i32', 0x56),
  le_s: binary<'i64', 'i32'>('i32', 0x57),
  le_u: binary<'i64', 'i32'>('i32', 0x58),
  ge_s: binary<'i64', 'i32'>('i32', 0x59),
  ge_u: binary<'i64', 'i32'>('i32', 0x5a),
  clz: unary<'i64', 'i64'>('i64', 0x79),
  ctz: unary<'i64', 'i64'>('i64', 0x7a),
  popcnt: unary<'i64', 'i64'>('i64', 0x7b),
  add: binary<'i64', 'i64'>('i64', 0x7c),
  sub: binary<'i64', 'i64'>('i64', 0x7d),
  mul: binary<'i64', 'i64'>('i64', 0x7e),
  div_s: binary<'i64', 'i64'>('i64', 0x7f),
  div_u: binary<'i64', 'i64'>('i64', 0x80),
  rem_s: binary<'i64', 'i64'>('i64', 0x81),
  rem_u: binary<'i64', 'i64'>('i64', 0x82),
  and: binary<'i64', 'i64'>('i64', 0x83),
  or: binary<'i64', 'i64'>('i64', 0x84),
  xor: binary<'i64', 'i64'>('i64', 0x85),
  shl: binary<'i64', 'i64'>('i64', 0x86),
  shr_s: binary<'i64', 'i64'>('i64', 0x87),
  shr_u: binary<'i64', 'i64'>('i64', 0x88),
  rotl: binary<'i64', 'i64'>('i64', 0x89),
  rotr: binary<'i64', 'i64'>('i64', 0x8a),
  load: load('i64', 0x29),
  load8_s: load('i64', 0x30),
  load8_u: load('i64', 0x31),
  load16_s: load('i64', 0x32),
  load16_u: load('i64', 0x33),
  load32_s: load('i64', 0x34),
  load32_u: load('i64', 0x35),
  store: store<'i64'>(0x37),
  store8: store<'i64'>(0x3c),
  store16: store<'i64'>(0x3d),
  store32: store<'i64'>(0x3e),
  extend_i32_s: unary<'i32', 'i64'>('i64', 0xac),
  extend_i32_u: unary<'i32', 'i64'>('i64', 0xad),
  reinterpret_f64: unary<'f64', 'i64'>('i64', 0xbd),
  extend8_s: unary<'i64', 'i64'>('i64', 0xc2),
  extend16_s: unary<'i64', 'i64'>('i64', 0xc3),
  extend32_s: unary<'i64', 'i64'>('i64', 0xc4),
  trunc_sat_f32_s: saturating<'f32', 'i64'>('i64', 4),
  trunc_sat_f32_u: saturating<'f32', 'i64'>('i64', 5),
  trunc_sat_f64_s: saturating<'f64', 'i64'>('i64', 6),
  trunc_sat_f64_u: saturating<'f64', 'i64'>('i64', 7),
  atomic_load: atomicLoad('i64', 0x11, 3),
  atomic_store: atomicStore<'i64'>(0x18, 3),
  rmw_add: rmw('i64', 0x1f, 3),
  rmw_sub: rmw('i64', 0x26, 3),
  rmw_and: rmw('i64', 0x2d, 3),
  rmw_or: rmw('i64', 0x34, 3),
  rmw_xor: rmw('i64', 0x3b, 3),
  rmw_xchg: rmw('i64', 0x42, 3),
  rmw_cmpxchg: cmpxchg('i64', 0x49, 3),
};

export const f32 = {
  /** A constant by its bits. */
  bits: (bits: number): Expr<'f32'> =>
    expr('f32', (code) => {
      code.u8(0x43);
      for (let i = 0; i < 4; i++) code.u8((bits >>> (8 * i)) & 0xff);
    }),
  eq: binary<'f32', 'i32'>('i32', 0x5b),
  ne: binary<'f32', 'i32'>('i32', 0x5c),
  lt: binary<'f32', 'i32'>('i32', 0x5d),
  gt: binary<'f32', 'i32'>('i32', 0x5e),
  le: binary<'f32', 'i32'>('i32', 0x5f),
  ge: binary<'f32', 'i32'>('i32', 0x60),
  abs: unary<'f32', 'f32'>('f32', 0x8b),
  neg: unary<'f32', 'f32'>('f32', 0x8c),
  ceil: unary<'f32', 'f32'>('f32', 0x8d),
  floor: unary<'f32', 'f32'>('f32', 0x8e),
  trunc: unary<'f32', 'f32'>('f32', 0x8f),
  nearest: unary<'f32', 'f32'>('f32', 0x90),
  sqrt: unary<'f32', 'f32'>('f32', 0x91),
  add: binary<'f32', 'f32'>('f32', 0x92),
  sub: binary<'f32', 'f32'>('f32', 0x93),
  mul: binary<'f32', 'f32'>('f32', 0x94),
  div: binary<'f32', 'f32'>('f32', 0x95),
  min: binary<'f32', 'f32'>('f32', 0x96),
  max: binary<'f32', 'f32'>('f32', 0x97),
  copysign: binary<'f32', 'f32'>('f32', 0x98),
  load: load('f32', 0x2a),
  store: store<'f32'>(0x38),
  convert_i32_s: unary<'i32', 'f32'>('f32', 0xb2),
  convert_i32_u: unary<'i32', 'f32'>('f32', 0xb3),
  convert_i64_s: unary<'i64', 'f32'>('f32', 0xb4),
  convert_i64_u: unary<'i64', 'f32'>('f32', 0xb5),
  demote_f64: unary<'f64', 'f32'>('f32', 0xb6),
  reinterpret_i32: unary<'i32', 'f32'>('f32', 0xbe),
};

export const f64 = {
  /** A constant by its bits. */
  bits: (bits: bigint): Expr<'f64'> =>
    expr('f64', (code) => {
      code.u8(0x44);
      for (let i = 0n; i < 8n; i++) code.u8(Number((bits >> (8n * i)) & 0xffn));
    }),
  eq: binary<'f64', 'i32'>('i32', 0x61),
  ne: binary<'f64', 'i32'>('i32', 0x62),
  lt: binary<'f64', 'i32'>('i32', 0x63),
  gt: binary<'f64', 'i32'>('i32', 0x64),
  le: binary<'f64', 'i32'>('i32', 0x65),
  ge: binary<'f64', 'i32'>('i32', 0x66),
  abs: unary<'f64', 'f64'>('f64', 0x99),
  neg: unary<'f64', 'f64'>('f64', 0x9a),
  ceil: unary<'f64', 'f64'>('f64', 0x9b),
  floor: unary<'f64', 'f64'>('f64', 0x9c),
  trunc: unary<'f64', 'f64'>('f64', 0x9d),
  nearest: unary<'f64', 'f64'>('f64', 0x9e),
  sqrt: unary<'f64', 'f64'>('f64', 0x9f),
  add: binary<'f64', 'f64'>('f64', 0xa0),
  sub: binary<'f64', 'f64'>('f64', 0xa1),
  mul: binary<'f64', 'f64'>('f64', 0xa2),
  div: binary<'f64', 'f64'>('f64', 0xa3),
  min: binary<'f64', 'f64'>('f64', 0xa4),
  max: binary<'f64', 'f64'>('f64', 0xa5),
  copysign: binary<'f64', 'f64'>('f64', 0xa6),
  load: load('f64', 0x2b),
  store: store<'f64'>(0x39),
  convert_i32_s: unary<'i32', 'f64'>('f64', 0xb7),
  convert_i32_u: unary<'i32', 'f64'>('f64', 0xb8),
  convert_i64_s: unary<'i64', 'f64'>('f64', 0xb9),
  convert_i64_u: unary<'i64', 'f64'>('f64', 0xba),
  promote_f32: unary<'f32', 'f64'>('f64', 0xbb),
  reinterpret_i64: unary<'i64', 'f64'>('f64', 0xbf),
};

/** Bulk memory operations (spec, section 5.4.6, prefix 0xfc), on memory 0. */
export const memory = {
  /** `memory.copy`: lengths in bytes; the ranges may overlap. */
  copy: (to: Expr<'i32'>, from: Expr<'i32'>, length: Expr<'i32'>): Expr<'void'> =>
    expr('void', (code) => {
      for (const operand of [to, from, length]) operand.emit(code);
      code.u8(0xfc).uleb(10).u8(0).u8(0);
    }),
  /** `memory.fill`: sets `length` bytes to the low byte of `value`. */
  fill: (to: Expr<'i32'>, value: Expr<'i32'>, length: Expr<'i32'>): Expr<'void'> =>
    expr('void', (code) => {
      for (const operand of [to, value, length]) operand.emit(code);
      code.u8(0xfc).uleb(11).u8(0);
    }),
};

/** `atomic.fence`: orders all memory accesses before it against all after it. */
export const atomicFence: Expr<'void'> = expr('void', (code) => code.u8(0xfe).u8(0x03).u8(0x00));

/** `unreachable`: marks a place that code never gets to. */
export const unreachable: Expr<'void'> = expr('void', (code) => code.u8(0x00));

const lanes = (lane: number): ((code: CodeWriter) => void) => {
  return (code) => void code.u8(lane);
};

/** A vector instruction (spec, section 5.4.8, prefix 0xfd). */
function vector<T extends ResultType>(
  result: T,
  opcode: number,
  operands: readonly Expr[],
  immediate?: (code: CodeWriter) => void,
): Expr<T> {
  return expr(result, (code) => {
    for (const operand of operands) operand.emit(code);
    code.u8(0xfd).uleb(opcode);
    immediate?.(code);
  });
}

/** Loads a value into all lanes. */
const loadSplat =
  (opcode: number, log2Size: number) =>
  (address: Expr<'i32'>, offset = 0): Expr<'v128'> =>
    vector('v128', opcode, [address], (code) => void code.uleb(log2Size).uleb(offset));

type Vectors = (...operands: readonly Expr<'v128'>[]) => Expr<'v128'>;
const vectors =
  (opcode: number): Vectors =>
  (...operands) =>
    vector('v128', opcode, operands);

export const v128 = {
  zero: vector('v128', 0x0c, [], (code) => {
    for (let i = 0; i < 16; i++) code.u8(0);
  }),
  not: vectors(0x4d),
  and: vectors(0x4e),
  /** The first operand's bits that the second one has not. */
  andnot: vectors(0x4f),
  xor: vectors(0x51),
  or: vectors(0x50),
  load: (address: Expr<'i32'>, offset = 0): Expr<'v128'> =>
    vector('v128', 0x00, [address], (code) => void code.uleb(0).uleb(offset)),
  store: (address: Expr<'i32'>, value: Expr<'v128'>, offset = 0): Expr<'void'> =>
    vector('void', 0x0b, [address, value], (code) => void code.uleb(0).uleb(offset)),
};

/**
 * Lanes of single precision. `relaxed_madd` (a, b, c) is the fused `a * b + c` only where the host's own instruction is
 * (`engine/host.ts` asks the host before this is used).
 */
export const f32x4 = {
  splat: (value: Expr<'f32'>): Expr<'v128'> => vector('v128', 0x13, [value]),
  first: (value: Expr<'v128'>): Expr<'f32'> => vector('f32', 0x1f, [value], lanes(0)),
  firstBits: (value: Expr<'v128'>): Expr<'i32'> => vector('i32', 0x1b, [value], lanes(0)),
  loadSplat: loadSplat(0x09, 2),
  ne: vectors(0x42),
  neg: vectors(0xe1),
  add: vectors(0xe4),
  sub: vectors(0xe5),
  mul: vectors(0xe6),
  div: vectors(0xe7),
  relaxed_madd: vectors(0x105),
  /** The upper bits of the lanes. */
  bitmask: (value: Expr<'v128'>): Expr<'i32'> => vector('i32', 0xa4, [value]),
};

/** The same of double precision. */
export const f64x2 = {
  splat: (value: Expr<'f64'>): Expr<'v128'> => vector('v128', 0x14, [value]),
  first: (value: Expr<'v128'>): Expr<'f64'> => vector('f64', 0x21, [value], lanes(0)),
  loadSplat: loadSplat(0x0a, 3),
  /** The last lane's value in all lanes. */
  splatLast: (value: Expr<'v128'>): Expr<'v128'> =>
    vector('v128', 0x0d, [value, value], (code) => {
      for (let i = 0; i < 16; i++) code.u8(8 + (i % 8));
    }),
  eq: vectors(0x47),
  lt: vectors(0x49),
  le: vectors(0x4b),
  ge: vectors(0x4c),
  ne: vectors(0x48),
  neg: vectors(0xed),
  add: vectors(0xf0),
  sub: vectors(0xf1),
  mul: vectors(0xf2),
  div: vectors(0xf3),
  /** The second operand's lanes where they are less (greater), else the first one's. */
  pmin: vectors(0xf6),
  pmax: vectors(0xf7),
  relaxed_madd: vectors(0x107),
  bitmask: (value: Expr<'v128'>): Expr<'i32'> => vector('i32', 0xc4, [value]),
};

/** Fused multiply-add `a * b + c` of single values through relaxed SIMD. */
export const relaxedMadd = {
  f32: (...operands: readonly [a: Expr<'f32'>, b: Expr<'f32'>, c: Expr<'f32'>]): Expr<'f32'> =>
    f32x4.first(f32x4.relaxed_madd(...operands.map(f32x4.splat))),
  f64: (...operands: readonly [a: Expr<'f64'>, b: Expr<'f64'>, c: Expr<'f64'>]): Expr<'f64'> =>
    f64x2.first(f64x2.relaxed_madd(...operands.map(f64x2.splat))),
};
