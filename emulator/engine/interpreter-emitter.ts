import type {
  AmoOperation,
  AtomicWidth,
  Emitter,
  FloatArithmetic,
  FloatHelper,
  Format,
  LoadKind,
  StoreKind,
  TrapReason,
} from '../isa/emitter';
import { HART } from '../memory/layout';
import type { FunctionBuilder } from '../wasm';
import {
  atomicFence,
  call,
  choose,
  expr,
  f32,
  f64,
  i32,
  i64,
  relaxedMadd,
  type Expr,
  type Label,
  type Local,
  type ValueType,
} from '../wasm';
import type { CallFunctions } from './call-code';
import type { FloatFunctions } from './float';
import {
  AtomicAccess,
  fastAddress,
  LOADS,
  log2Size,
  STORES,
  type MemoryContext,
} from './memory-access';
import { REASON, RECORD } from './records';
import { writeLookup, type SlowPaths } from './slow-paths';

/** The bits of the canonical NaN of each format (Unprivileged ISA, section 20.3). */
const CANONICAL_NAN: Record<Format, bigint> = {
  h: 0x7e00n,
  s: 0x7fc00000n,
  d: 0x7ff8000000000000n,
};
/** What a boxed narrower value has above it in a register. */
const BOX: Record<Format, bigint> = { h: 0xffffffffffff0000n, s: 0xffffffff00000000n, d: 0n };

/** The interpreter function's own variables. */
export interface InterpreterState {
  readonly f: FunctionBuilder;
  readonly context: Local<'i32'>;
  readonly record: Local<'i32'>;
  /** 16 × the fuel that is left, plus `record`: only changes where control does. */
  readonly bound: Local<'i32'>;
  readonly readTable: Local<'i32'>;
  readonly writeTable: Local<'i32'>;
  readonly floats: FloatFunctions;
  readonly slow: SlowPaths;
  readonly relaxedMadd: boolean;
  /** Fuel that is left besides. */
  readonly beside: Expr<'i32'>;
  /** Of an interpreter that counts. */
  readonly calls?: CallFunctions;
}

/** Code that leaves the interpreter from inside a handler: branches to the common exits. */
export interface Exits {
  /** The instruction has not run; the reason is one of `REASON`. */
  readonly reasons: ReadonlyMap<number, Label>;
  /** To the record in `record`, after the bound has been moved along. */
  readonly next: Label;
}

const TRAPS: Record<TrapReason, number> = {
  ecall: REASON.ecall,
  ebreak: REASON.ebreak,
  illegal: REASON.illegal,
  'fence.i': REASON.fenceI,
  csr: REASON.csr,
  pause: REASON.fuel,
};

/**
 * Implements `Emitter` for one handler of the interpreter: operands come from the record. In a fused
 * handler the n-th instruction's record lies `16 n` bytes on, which is `bias` here.
 */
export class InterpreterEmitter implements Emitter, MemoryContext {
  /** Set when the semantics moved control themselves. */
  transferred = false;

  constructor(
    readonly state: InterpreterState,
    private readonly exits: Exits,
    readonly temp: <T extends ValueType>(type: T) => Local<T>,
    protected readonly bias: number,
  ) {}

  // Operands

  private field16(offset: number): Expr<'i32'> {
    return i32.load16_u(this.state.record, offset + this.bias);
  }

  private register(offset: number): Expr<'i32'> {
    return i32.add(this.state.context, this.field16(offset));
  }

  x(field: 'rs1' | 'rs2'): Expr<'i64'> {
    return i64.load(this.register(RECORD[field]));
  }

  w(field: 'rs1' | 'rs2'): Expr<'i32'> {
    return i32.load(this.register(RECORD[field]));
  }

  imm(): Expr<'i64'> {
    return i64.load32_s(this.state.record, RECORD.immediate + this.bias);
  }

  imm32(): Expr<'i32'> {
    return i32.load(this.state.record, RECORD.immediate + this.bias);
  }

  pc(): Expr<'i64'> {
    return i64.load32_u(this.state.record, RECORD.pc + this.bias);
  }

  nextPc(): Expr<'i64'> {
    // Behind the last page's last instruction lies 2^32, not 0.
    return i64.add(this.pc(), i64.extend_i32_u(this.field16(RECORD.rs2)));
  }

  setX(value: Expr<'i64'>): void {
    this.state.f.do(i64.store(this.register(RECORD.rd), value));
  }

  setW(value: Expr<'i32'>): void {
    this.setX(i64.extend_i32_s(value));
  }

  let<T extends ValueType>(value: Expr<T>): Local<T> {
    const local = this.temp(value.type);
    this.state.f.set(local, value);
    return local;
  }

  choose<T extends ValueType>(condition: Expr<'i32'>, yes: Expr<T>, no: Expr<T>): Expr<T> {
    return choose(condition, yes, no);
  }

  // Leaving

  /** Hands over to the hart loop, this instruction not done. */
  leave(reason: number): void {
    const { f, record } = this.state;
    if (this.bias !== 0) f.set(record, i32.add(record, i32.const(this.bias)));
    f.br(this.exit(reason));
  }

  private exit(reason: number): Label {
    const label = this.exits.reasons.get(reason);
    if (!label) throw new Error(`the interpreter has no exit for reason ${reason}`);
    return label;
  }

  // Memory

  load(kind: LoadKind, address: Expr<'i64'>): Expr<'i64'> {
    const { f, slow, context } = this.state;
    const size = log2Size(kind);
    return expr('i64', () => {
      const va = this.let(address);
      const host = this.temp('i32');
      fastAddress(this, va, size, this.state.readTable, host, () => {
        f.set(host, call(slow.read, 'i32', context, va, i32.const(1 << size)));
        f.if(i32.eqz(host), () => this.leave(REASON.miss));
      });
      LOADS[kind](host).emit(f.code);
    });
  }

  store(kind: StoreKind, address: Expr<'i64'>, value: Expr<'i64'>): void {
    const { f, slow, context } = this.state;
    const size = log2Size(kind);
    const va = this.let(address);
    const host = this.temp('i32');
    f.block((done) => {
      fastAddress(this, va, size, this.state.writeTable, host, () => {
        const written = call(slow.write, 'i32', context, va, value, i32.const(1 << size));
        f.if(i32.eqz(written), () => this.leave(REASON.miss));
        f.br(done);
      });
      f.do(STORES[kind](host, value));
    });
  }

  amo(op: AmoOperation, width: AtomicWidth, address: Expr<'i64'>, value: Expr<'i64'>): Expr<'i64'> {
    return expr('i64', (code) => {
      const access = new AtomicAccess(this, width, this.state.writeTable, true);
      access.translate(this.let(address));
      access.amo(op, value).emit(code);
    });
  }

  loadReserved(width: AtomicWidth, address: Expr<'i64'>): Expr<'i64'> {
    return expr('i64', (code) => {
      const access = new AtomicAccess(this, width, this.state.readTable, false);
      access.translate(this.let(address));
      access.loadReserved().emit(code);
    });
  }

  storeConditional(width: AtomicWidth, address: Expr<'i64'>, value: Expr<'i64'>): Expr<'i64'> {
    return expr('i64', (code) => {
      const access = new AtomicAccess(this, width, this.state.writeTable, true);
      access.translate(this.let(address));
      access.storeConditional(value).emit(code);
    });
  }

  fence(): void {
    this.state.f.do(atomicFence);
  }

  // Control

  /** Moves on by a signed distance in bytes of records, counting what has run up to here. */
  protected move(distance: Expr<'i32'>): void {
    const { f, record, bound } = this.state;
    const by = this.let(distance);
    // One instruction more has run, and `bias` worth of fused ones before it.
    f.set(bound, i32.sub(i32.add(bound, by), i32.const(RECORD.size)));
    f.set(record, i32.add(i32.add(record, by), i32.const(this.bias)));
    f.br(this.exits.next);
  }

  branch(condition: Expr<'i32'>): void {
    this.state.f.if(condition, () => this.move(this.imm32()));
  }

  jump(): void {
    this.setX(this.nextPc());
    this.move(this.imm32());
    this.transferred = true;
  }

  jumpIndirect(address: Expr<'i64'>): void {
    const { f, context, record, bound } = this.state;
    const target = this.let(i64.and(address, i64.const(-2n)));
    this.setX(this.nextPc());
    const found = this.temp('i32');
    writeLookup(f, context, target, found);
    // The jump itself has run, whether there is a record for its target or not.
    f.set(record, i32.add(record, i32.const(this.bias + RECORD.size)));
    f.brIf(this.exit(REASON.lookup), i32.eqz(found));
    this.arrive(found);
    f.set(bound, i32.add(bound, i32.sub(found, record)));
    f.set(record, found);
    f.br(this.exits.next);
    this.transferred = true;
  }

  /** An indirect jump goes to this record: for those who count. */
  protected arrive: (found: Local<'i32'>) => void = () => undefined;

  trap(reason: TrapReason): void {
    if (reason === 'pause') return;
    this.leave(TRAPS[reason]);
    this.transferred = true;
  }

  // Floating point

  fraw(field: 'rs1' | 'rs2'): Expr<'i64'> {
    return this.x(field);
  }

  private floatRegister(field: 'rs1' | 'rs2' | 'rs3'): Expr<'i32'> {
    return this.register(RECORD[field]);
  }

  /** Whether the register holds a boxed single. */
  private boxed(field: 'rs1' | 'rs2' | 'rs3'): Expr<'i32'> {
    return i32.eq(i32.load(this.floatRegister(field), 4), i32.const(-1));
  }

  f(field: 'rs1' | 'rs2' | 'rs3', format: Format): Expr<'i64'> {
    const address = this.floatRegister(field);
    if (format === 'd') return i64.load(address);
    const nan = i64.const(CANONICAL_NAN[format]);
    if (format === 's') return choose(this.boxed(field), i64.load32_u(address), nan);
    return choose(
      i64.eq(i64.shr_s(i64.load(address), i64.const(16)), i64.const(-1n)),
      i64.load16_u(address),
      nan,
    );
  }

  setF(format: Format, bits: Expr<'i64'>): void {
    const boxed = format === 'd' ? bits : i64.or(narrow(format, bits), i64.const(BOX[format]));
    this.state.f.do(i64.store(this.register(RECORD.rd), boxed));
  }

  /** The rounding mode in force; a reserved one in frm makes the instruction illegal. */
  private roundingMode(): Local<'i32'> {
    const { f, record, context } = this.state;
    const rm = this.let(i32.load8_u(record, RECORD.rm + this.bias));
    f.if(i32.eq(rm, i32.const(7)), () => {
      f.set(rm, i32.and(i32.shr_u(i32.load(context, HART.fcsr), i32.const(5)), i32.const(7)));
      f.if(i32.gt_u(rm, i32.const(4)), () => this.leave(REASON.illegal));
    });
    return rm;
  }

  private floatCall(
    op: FloatArithmetic | FloatHelper | 'fma',
    format: Format,
    operands: readonly Expr<'i64'>[],
  ): Expr<'i64'> {
    const { floats, context } = this.state;
    return expr('i64', (code) => {
      const rm = floats.rounds(op) ? this.roundingMode() : i32.const(0);
      call(floats.index(op, format), 'i64', context, rm, ...operands).emit(code);
    });
  }

  float(op: FloatHelper, format: Format, ...operands: Expr<'i64'>[]): Expr<'i64'> {
    return this.floatCall(op, format, operands);
  }

  arithmetic(format: Format, op: FloatArithmetic): void {
    const fields = op === 'sqrt' ? (['rs1'] as const) : (['rs1', 'rs2'] as const);
    const exact = () =>
      this.setF(
        format,
        this.floatCall(
          op,
          format,
          fields.map((field) => this.f(field, format)),
        ),
      );
    if (format === 'h') exact();
    else if (format === 's') this.fast32(fields, (v) => hostSingle(op, v), exact);
    else this.fast64(fields, (v) => hostDouble(op, v), exact);
  }

  fusedMultiplyAdd(format: Format, negateProduct: boolean, negateAddend: boolean): void {
    const fields = ['rs1', 'rs2', 'rs3'] as const;
    const exact = () => {
      const sign = i64.const(format === 'd' ? 1n << 63n : format === 's' ? 1n << 31n : 1n << 15n);
      const flip = (on: boolean, v: Expr<'i64'>) => (on ? i64.xor(v, sign) : v);
      this.setF(
        format,
        this.floatCall('fma', format, [
          flip(negateProduct, this.f('rs1', format)),
          this.f('rs2', format),
          flip(negateAddend, this.f('rs3', format)),
        ]),
      );
    };
    if (format === 'h' || !this.state.relaxedMadd) exact();
    else if (format === 's') {
      this.fast32(
        fields,
        ([a, b, c]) =>
          relaxedMadd.f32(negateProduct ? f32.neg(a) : a, b, negateAddend ? f32.neg(c) : c),
        exact,
      );
    } else {
      this.fast64(
        fields,
        ([a, b, c]) =>
          relaxedMadd.f64(negateProduct ? f64.neg(a) : a, b, negateAddend ? f64.neg(c) : c),
        exact,
      );
    }
  }

  /** Whether the host's arithmetic may be used: see `fastMask`. */
  private fastMode(): Expr<'i32'> {
    const { context, record } = this.state;
    return i32.eq(
      i32.and(i32.load(context, HART.fcsr), i32.load8_u(record, RECORD.fastMask + this.bias)),
      i32.const(1),
    );
  }

  /**
   * The host's single-precision result where no flag but NX (set already) can be raised: the result is
   * normal and above the least normal binade, where one that was rounded up may be an underflow all the
   * same (float/hardware.ts). Everything else is computed exactly by the helpers.
   */
  private fast32(
    fields: readonly ('rs1' | 'rs2' | 'rs3')[],
    compute: (values: Expr<'f32'>[]) => Expr<'f32'>,
    exact: () => void,
  ): void {
    const { f } = this.state;
    const values = fields.map((field) => f32.load(this.floatRegister(field)));
    const ready = fields.reduce<Expr<'i32'>>(
      (all, field) => i32.and(all, this.boxed(field)),
      this.fastMode(),
    );
    f.block((done) => {
      f.if(ready, () => {
        const result = this.let(i32.reinterpret_f32(compute(values)));
        const exponent = i32.and(i32.shr_u(result, i32.const(23)), i32.const(0xff));
        const ordinary = i32.lt_u(i32.sub(exponent, i32.const(2)), i32.const(0xfd));
        f.if(ordinary, () => {
          const rd = this.let(this.register(RECORD.rd));
          f.do(i32.store(rd, result));
          f.do(i32.store(rd, i32.const(-1), 4));
          f.br(done);
        });
      });
      exact();
    });
  }

  /** The same in double precision. */
  private fast64(
    fields: readonly ('rs1' | 'rs2' | 'rs3')[],
    compute: (values: Expr<'f64'>[]) => Expr<'f64'>,
    exact: () => void,
  ): void {
    const { f } = this.state;
    const values = fields.map((field) => f64.load(this.floatRegister(field)));
    f.block((done) => {
      f.if(this.fastMode(), () => {
        const result = this.let(i64.reinterpret_f64(compute(values)));
        const field = i32.wrap_i64(i64.shr_u(result, i64.const(52)));
        const exponent = i32.and(field, i32.const(0x7ff));
        const ordinary = i32.lt_u(i32.sub(exponent, i32.const(2)), i32.const(0x7fd));
        f.if(ordinary, () => {
          f.do(i64.store(this.register(RECORD.rd), result));
          f.br(done);
        });
      });
      exact();
    });
  }
}

function narrow(format: 'h' | 's', bits: Expr<'i64'>): Expr<'i64'> {
  return i64.and(bits, i64.const(format === 's' ? 0xffffffffn : 0xffffn));
}

function hostSingle(op: FloatArithmetic, [a, b]: Expr<'f32'>[]): Expr<'f32'> {
  return op === 'sqrt' ? f32.sqrt(a) : f32[op](a, b);
}

function hostDouble(op: FloatArithmetic, [a, b]: Expr<'f64'>[]): Expr<'f64'> {
  return op === 'sqrt' ? f64.sqrt(a) : f64[op](a, b);
}
