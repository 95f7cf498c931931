import type { AmoOperation, AtomicWidth, LoadKind, StoreKind } from '../isa/emitter';
import { ACCESS_ATOMIC, ACCESS_WRITE, HART } from '../memory/layout';
import {
  choose,
  expr,
  i32,
  i64,
  type Expr,
  type FunctionBuilder,
  type Local,
  type ValueType,
} from '../wasm';
import { REASON } from './records';

/** What emitting a memory access needs from the emitter around it. */
export interface MemoryContext {
  readonly state: { readonly f: FunctionBuilder; readonly context: Local<'i32'> };
  let<T extends ValueType>(value: Expr<T>): Local<T>;
  leave(reason: number): void;
}

type HostLoad = (host: Expr<'i32'>, offset?: number) => Expr<'i64'>;
type HostStore = (host: Expr<'i32'>, value: Expr<'i64'>, offset?: number) => Expr<'void'>;

export const LOADS: Record<LoadKind, HostLoad> = {
  i8: i64.load8_s,
  u8: i64.load8_u,
  i16: i64.load16_s,
  u16: i64.load16_u,
  i32: i64.load32_s,
  u32: i64.load32_u,
  i64: i64.load,
};

export const STORES: Record<StoreKind, HostStore> = {
  '8': i64.store8,
  '16': i64.store16,
  '32': i64.store32,
  '64': i64.store,
};

/** Log2 of an access's size in bytes, from the width in its name. */
export function log2Size(kind: LoadKind | StoreKind): number {
  return Math.log2(Number(kind.replace(/\D/, '')) / 8);
}

/**
 * Translates a guest address to an arena address in `host` when it is aligned, below 4 GiB and its page
 * has a delta in `table`; else runs `slow`, which sets `host` or leaves. Rotating the address right by
 * log2 of the size moves misaligned low bits to the top, so that one comparison covers alignment and
 * range.
 */
export function fastAddress(
  context: MemoryContext,
  va: Local<'i64'>,
  size: number,
  table: Local<'i32'>,
  host: Local<'i32'>,
  slow: () => void,
): void {
  const { f } = context.state;
  const rotated = size === 0 ? va : context.let(i64.rotr(va, i64.const(size)));
  f.block((done) => {
    f.block((miss) => {
      f.brIf(miss, i64.ge_u(rotated, i64.const(2 ** (32 - size))));
      const page = i32.wrap_i64(i64.shr_u(rotated, i64.const(12 - size)));
      f.set(host, i32.load(i32.add(table, i32.shl(page, i32.const(2)))));
      f.brIf(miss, i32.eqz(host));
      f.set(host, i32.add(host, i32.wrap_i64(va)));
      f.br(done);
    });
    slow();
  });
}

/** Notes the access that could not be done for the hart loop (`HART.faultAddress`, `faultAccess`). */
export function noteMiss(
  f: FunctionBuilder,
  context: Expr<'i32'>,
  va: Expr<'i64'>,
  access: Expr<'i32'>,
): void {
  f.do(i64.store(context, va, HART.faultAddress));
  f.do(i32.store(context, access, HART.faultAccess));
}

/** One atomic access (A extension): really atomic on the shared arena, whoever else runs. */
export class AtomicAccess {
  private host!: Local<'i32'>;
  private va!: Local<'i64'>;
  private readonly bytes: number;

  constructor(
    private readonly context: MemoryContext,
    private readonly width: AtomicWidth,
    private readonly table: Local<'i32'>,
    private readonly write: boolean,
  ) {
    this.bytes = Number(width) / 8;
  }

  /** Misaligned atomics trap: the A extension requires natural alignment (section 13.2, 13.4). */
  translate(va: Local<'i64'>): void {
    const { context } = this;
    const { f } = context.state;
    this.va = va;
    f.if(i32.wrap_i64(i64.and(va, i64.const(this.bytes - 1))), () => {
      this.note();
      context.leave(REASON.misaligned);
    });
    this.host = context.let(i32.const(0));
    fastAddress(context, va, Math.log2(this.bytes), this.table, this.host, () => {
      this.note();
      context.leave(REASON.miss);
    });
  }

  private note(): void {
    const { f, context } = this.context.state;
    const access = this.bytes | ACCESS_ATOMIC | (this.write ? ACCESS_WRITE : 0);
    noteMiss(f, context, this.va, i32.const(access));
  }

  /** The old value; 32-bit ones sign-extended. */
  amo(op: AmoOperation, value: Expr<'i64'>): Expr<'i64'> {
    const { host } = this;
    switch (op) {
      case 'min':
      case 'max':
      case 'minu':
      case 'maxu':
        return this.minMax(op, value);
      case 'swap':
        return this.width === '32'
          ? i64.extend_i32_s(i32.rmw_xchg(host, i32.wrap_i64(value)))
          : i64.rmw_xchg(host, value);
      default:
        return this.width === '32'
          ? i64.extend_i32_s(i32[`rmw_${op}`](host, i32.wrap_i64(value)))
          : i64[`rmw_${op}`](host, value);
    }
  }

  /** WebAssembly has no atomic minimum or maximum: a compare-exchange loop. */
  private minMax(op: 'min' | 'max' | 'minu' | 'maxu', value: Expr<'i64'>): Expr<'i64'> {
    const { host, context } = this;
    const { f } = context.state;
    const compare = i64[({ min: 'lt_s', max: 'gt_s', minu: 'lt_u', maxu: 'gt_u' } as const)[op]];
    const narrow = this.width === '32';
    return expr('i64', (code) => {
      const operand = context.let(narrow ? i64.extend_i32_s(i32.wrap_i64(value)) : value);
      const old = context.let(i64.const(0));
      const next = context.let(i64.const(0));
      f.loop((again) => {
        f.set(old, narrow ? i64.extend_i32_s(i32.atomic_load(host)) : i64.atomic_load(host));
        // Sign extension keeps the order of unsigned 32-bit values as well.
        f.set(next, choose(compare(operand, old), operand, old));
        f.brIf(
          again,
          narrow
            ? i32.ne(
                i32.rmw_cmpxchg(host, i32.wrap_i64(old), i32.wrap_i64(next)),
                i32.wrap_i64(old),
              )
            : i64.ne(i64.rmw_cmpxchg(host, old, next), old),
        );
      });
      old.emit(code);
    });
  }

  private atomicLoad(): Expr<'i64'> {
    return this.width === '32'
      ? i64.extend_i32_s(i32.atomic_load(this.host))
      : i64.atomic_load(this.host);
  }

  loadReserved(): Expr<'i64'> {
    const { f, context } = this.context.state;
    return expr('i64', (code) => {
      const value = this.context.let(this.atomicLoad());
      f.do(i32.store(context, i32.const(this.bytes), HART.reservation));
      f.do(i64.store(context, this.va, HART.reservationAddress));
      f.do(i64.store(context, value, HART.reservationValue));
      value.emit(code);
    });
  }

  /**
   * Stores when the reservation is for this address and width and memory still holds what LR read: a
   * compare-exchange, so that no update by another hart is lost.
   */
  storeConditional(value: Expr<'i64'>): Expr<'i64'> {
    const { f, context } = this.context.state;
    const { host, va } = this;
    return expr('i64', (code) => {
      const failed = this.context.let(i64.const(1));
      const reserved = i32.and(
        i32.eq(i32.load(context, HART.reservation), i32.const(this.bytes)),
        i64.eq(i64.load(context, HART.reservationAddress), va),
      );
      f.if(reserved, () => {
        const expected = this.context.let(i64.load(context, HART.reservationValue));
        const lost =
          this.width === '32'
            ? i32.ne(
                i32.rmw_cmpxchg(host, i32.wrap_i64(expected), i32.wrap_i64(value)),
                i32.wrap_i64(expected),
              )
            : i64.ne(i64.rmw_cmpxchg(host, expected, value), expected);
        f.set(failed, i64.extend_i32_u(lost));
      });
      f.do(i32.store(context, i32.const(0), HART.reservation));
      failed.emit(code);
    });
  }
}
