import type {
  AmoOperation,
  AtomicWidth,
  Emitter,
  LoadKind,
  StoreKind,
  TrapReason,
} from '../../isa/emitter';
import { HART } from '../../memory/layout';
import {
  atomicFence,
  choose,
  f32,
  f32x4,
  f64,
  f64x2,
  i32,
  i64,
  type Expr,
  type FunctionBuilder,
  type Local,
  type ValueType,
} from '../../wasm';
import { AtomicAccess, LOADS, log2Size, STORES, type MemoryContext } from '../memory-access';
import { EXIT, REASON } from '../records';
import type { Exits } from './exits';
import { FloatEmitter, type FloatExpr } from './float-emitter';
import type { FloatMode } from './float-mode';
import type { Item } from './region';
import type { Registers } from './registers';

/** The function of a region while it is written. */
export interface RegionState {
  readonly f: FunctionBuilder;
  readonly context: Local<'i32'>;
  readonly readTable: Local<'i32'>;
  readonly writeTable: Local<'i32'>;
  readonly registers: Registers;
  readonly exits: Exits;
  /** Checked at the region's entry; `soft` also where nothing was checked. */
  readonly mode: FloatMode;
  readonly relaxedMadd: boolean;
  /** The function number of an imported floating-point function, `add.s`. */
  helper(name: string): number;
}

/** Of an access in a strip's window: its arena address is the guest's plus `distance` plus `offset`. */
export interface OpenWindow {
  readonly distance: Local<'i32'>;
  readonly offset: number;
}

interface Place {
  readonly host: Local<'i32'>;
  /** Bytes after it. */
  readonly offset: number;
}

/** Implements `Emitter` for one instruction of a region: operands are constants and locals. */
export class RegionEmitter extends FloatEmitter implements Emitter, MemoryContext {
  /** Of a branch: whether it is taken. */
  condition: Expr<'i32'> | undefined;
  /** Of an indirect jump: where it leads, below 4 GiB. */
  target: Local<'i64'> | undefined;

  /**
   * @param executed instructions that have run before this one and are not subtracted from the fuel yet
   * @param window where its load or store is known to be
   */
  constructor(
    state: RegionState,
    item: Item,
    executed: number,
    temp: <T extends ValueType>(type: T) => Local<T>,
    private readonly window?: OpenWindow,
  ) {
    super(state, item, executed, temp);
  }

  // Operands

  x(field: 'rs1' | 'rs2'): Expr<'i64'> {
    const n = this.item.decoded[field];
    return n === 0 ? i64.const(0) : this.state.registers.x(n);
  }

  w(field: 'rs1' | 'rs2'): Expr<'i32'> {
    return i32.wrap_i64(this.x(field));
  }

  imm(): Expr<'i64'> {
    return i64.const(this.item.decoded.imm);
  }

  imm32(): Expr<'i32'> {
    return i32.const(this.item.decoded.imm);
  }

  pc(): Expr<'i64'> {
    return i64.const(this.item.pc);
  }

  nextPc(): Expr<'i64'> {
    return i64.const(this.item.pc + this.item.decoded.length);
  }

  setX(value: Expr<'i64'>): void {
    const { rd } = this.item.decoded;
    if (rd === 0) this.state.f.do(value);
    else this.state.registers.setX(rd, value);
  }

  setW(value: Expr<'i32'>): void {
    this.setX(i64.extend_i32_s(value));
  }

  choose<T extends ValueType>(condition: Expr<'i32'>, yes: Expr<T>, no: Expr<T>): Expr<T> {
    return choose(condition, yes, no);
  }

  // Memory

  /** `MemoryContext`: whatever it is, the interpreter finds out by running the instruction itself. */
  leave(reason: number): void {
    this.leaveFor(reason === REASON.misaligned ? EXIT.system : EXIT.memory);
  }

  /** The arena address of an access; leaves where the page has no delta or the address is misaligned. */
  private translate(address: Expr<'i64'>, size: number, table: Local<'i32'>): Expr<'i32'> {
    const { f } = this.state;
    const va = this.let(address);
    // Rotating misaligned low bits to the top makes one comparison of alignment and range.
    const rotated = size === 0 ? va : this.let(i64.rotr(va, i64.const(size)));
    const delta = this.temp('i32');
    this.leaveIf(i64.ge_u(rotated, i64.const(2 ** (32 - size))), EXIT.memory);
    const page = i32.wrap_i64(i64.shr_u(rotated, i64.const(12 - size)));
    f.set(delta, i32.load(i32.add(table, i32.shl(page, i32.const(2)))));
    this.leaveIf(i32.eqz(delta), EXIT.memory);
    return i32.add(delta, i32.wrap_i64(va));
  }

  /** Where in the arena a load or store is. */
  private place(address: Expr<'i64'>, size: number, table: Local<'i32'>): Place {
    if (!this.window) return { host: this.let(this.translate(address, size, table)), offset: 0 };
    const { distance, offset } = this.window;
    return { host: this.let(i32.add(distance, this.w('rs1'))), offset };
  }

  load(kind: LoadKind, address: Expr<'i64'>): FloatExpr {
    const { host, offset } = this.place(address, log2Size(kind), this.state.readTable);
    return {
      ...LOADS[kind](host, offset),
      ...(kind === 'u32' && {
        single: f32.load(host, offset),
        vector: f32x4.loadSplat(host, offset),
      }),
      ...(kind === 'i64' && {
        double: f64.load(host, offset),
        vector: f64x2.loadSplat(host, offset),
      }),
    };
  }

  store(kind: StoreKind, address: Expr<'i64'>, value: FloatExpr): void {
    const { f } = this.state;
    const { host, offset } = this.place(address, log2Size(kind), this.state.writeTable);
    if (kind === '32' && value.single) f.do(f32.store(host, value.single, offset));
    else if (kind === '64' && value.double) f.do(f64.store(host, value.double, offset));
    else f.do(STORES[kind](host, value, offset));
  }

  amo(op: AmoOperation, width: AtomicWidth, address: Expr<'i64'>, value: Expr<'i64'>): Expr<'i64'> {
    return this.atomic(width, address, true).amo(op, value);
  }

  loadReserved(width: AtomicWidth, address: Expr<'i64'>): Expr<'i64'> {
    return this.atomic(width, address, false).loadReserved();
  }

  storeConditional(width: AtomicWidth, address: Expr<'i64'>, value: Expr<'i64'>): Expr<'i64'> {
    return this.atomic(width, address, true).storeConditional(value);
  }

  private atomic(width: AtomicWidth, address: Expr<'i64'>, write: boolean): AtomicAccess {
    const table = write ? this.state.writeTable : this.state.readTable;
    const access = new AtomicAccess(this, width, table, write);
    access.translate(this.let(address));
    return access;
  }

  fence(): void {
    this.state.f.do(atomicFence);
  }

  // Control: where it goes is the region's business.

  branch(condition: Expr<'i32'>): void {
    this.condition = condition;
  }

  jump(): void {
    this.setX(this.nextPc());
  }

  jumpIndirect(address: Expr<'i64'>): void {
    const target = this.let(i64.and(address, i64.const(-2)));
    this.leaveIf(i64.ge_u(target, i64.const(2 ** 32)), EXIT.system);
    this.setX(this.nextPc());
    this.target = target;
  }

  /** Only `pause` gets here: the others end a region before they are reached. */
  trap(reason: TrapReason): void {
    if (reason !== 'pause') throw new Error(`${reason} cannot be translated`);
  }

  /** Leaves after this instruction if the lender has newer pages. */
  leaveForNews(): void {
    const { context } = this.state;
    const at = (field: number): Expr<'i32'> => i32.load(i32.load(context, field));
    this.leaveIf(i32.ne(at(HART.news), at(HART.seen)), EXIT.news, true);
  }
}
