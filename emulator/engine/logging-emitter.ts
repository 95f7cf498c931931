import type { AmoOperation, AtomicWidth, LoadKind, StoreKind } from '../isa/emitter';
import { HART } from '../memory/layout';
import { expr, i32, i64, type Expr, type Local } from '../wasm';
import { LOG_ENTRY, LOG_KIND, LOG_KIND_SHIFT, LOG_OLD_KNOWN } from './access-log';
import { InterpreterEmitter } from './interpreter-emitter';
import { fastAddress, LOADS, log2Size } from './memory-access';
import { RECORD } from './records';

/** What an entry says besides address, pc and fuel. */
interface Values {
  readonly value?: Expr<'i64'>;
  readonly old?: Expr<'i64'>;
}

const ZERO = i64.const(0);
const LOAD_OF: Record<StoreKind, LoadKind> = { '8': 'u8', '16': 'u16', '32': 'u32', '64': 'i64' };

/**
 * The interpreter's handlers with one thing more: each memory access and fence that is done leaves an entry
 * in the access log. One that must be tried again (a page without a delta, a fault) leaves none.
 */
export class LoggingEmitter extends InterpreterEmitter {
  override load(kind: LoadKind, address: Expr<'i64'>): Expr<'i64'> {
    return expr('i64', (code) => {
      const va = this.let(address);
      const value = this.let(super.load(kind, va));
      this.log(LOG_KIND.load, 1 << log2Size(kind), va, { value });
      value.emit(code);
    });
  }

  override store(kind: StoreKind, address: Expr<'i64'>, value: Expr<'i64'>): void {
    const { f, readTable } = this.state;
    const va = this.let(address);
    const stored = this.let(value);
    const old = this.let(ZERO);
    const known = this.let(i32.const(0));
    f.block((unknown) => {
      const host = this.temp('i32');
      fastAddress(this, va, log2Size(kind), readTable, host, () => f.br(unknown));
      f.set(old, LOADS[LOAD_OF[kind]](host));
      f.set(known, i32.const(LOG_OLD_KNOWN));
    });
    super.store(kind, va, stored);
    this.log(LOG_KIND.store, 1 << log2Size(kind), va, { value: stored, old }, known);
  }

  override amo(
    op: AmoOperation,
    width: AtomicWidth,
    address: Expr<'i64'>,
    value: Expr<'i64'>,
  ): Expr<'i64'> {
    return expr('i64', (code) => {
      const va = this.let(address);
      const old = this.let(super.amo(op, width, va, value));
      this.log(LOG_KIND.amo, Number(width) / 8, va, { old }, i32.const(LOG_OLD_KNOWN));
      old.emit(code);
    });
  }

  override loadReserved(width: AtomicWidth, address: Expr<'i64'>): Expr<'i64'> {
    return expr('i64', (code) => {
      const va = this.let(address);
      const value = this.let(super.loadReserved(width, va));
      this.log(LOG_KIND.loadReserved, Number(width) / 8, va, { value });
      value.emit(code);
    });
  }

  override storeConditional(
    width: AtomicWidth,
    address: Expr<'i64'>,
    value: Expr<'i64'>,
  ): Expr<'i64'> {
    return expr('i64', (code) => {
      const va = this.let(address);
      const stored = this.let(value);
      const failed = this.let(super.storeConditional(width, va, stored));
      this.state.f.if(i64.eqz(failed), () =>
        this.log(LOG_KIND.storeConditional, Number(width) / 8, va, { value: stored }),
      );
      failed.emit(code);
    });
  }

  override fence(): void {
    super.fence();
    this.log(LOG_KIND.fence, 0, ZERO, {});
  }

  private log(
    kind: number,
    bytes: number,
    va: Expr<'i64'>,
    { value = ZERO, old = ZERO }: Values,
    flags: Expr<'i32'> = i32.const(0),
  ): void {
    const { f, context, record, bound } = this.state;
    const at: Local<'i32'> = this.let(i32.load(context, HART.log));
    const fuel = i32.sub(i32.sub(bound, record), i32.const(this.bias));
    const what = i32.or(i32.const(bytes | (kind << LOG_KIND_SHIFT)), flags);
    f.do(i32.store(at, i32.wrap_i64(va), LOG_ENTRY.address));
    f.do(i32.store(at, i32.load(record, RECORD.pc + this.bias), LOG_ENTRY.pc));
    f.do(i32.store(at, fuel, LOG_ENTRY.fuel));
    f.do(i32.store(at, what, LOG_ENTRY.kind));
    f.do(i64.store(at, value, LOG_ENTRY.value));
    f.do(i64.store(at, old, LOG_ENTRY.old));
    f.do(i32.store(context, i32.add(at, i32.const(LOG_ENTRY.size)), HART.log));
  }
}
