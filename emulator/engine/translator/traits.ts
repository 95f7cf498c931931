import type {
  Emitter,
  FloatArithmetic,
  FloatHelper,
  Format,
  LoadKind,
  StoreKind,
  TrapReason,
} from '../../isa/emitter';
import type { Decoded, Instruction } from '../../isa/types';
import { i32, i64, type Expr, type Local, type ValueType } from '../../wasm';
import { log2Size } from '../memory-access';

/**
 * How a floating-point register is looked at: as an `f32` (a boxed single), as all 64 bits (held in an `f64`,
 * which keeps them as they are), or as whichever of the two is at hand (stores and moves).
 */
export type FloatView = 's' | 'd' | 'raw';

/** What the translator must know of an instruction before it writes code for it; the same for all operands. */
export interface Traits {
  readonly readsX: readonly ('rs1' | 'rs2')[];
  readonly writesX: boolean;
  readonly readsF: readonly { readonly field: 'rs1' | 'rs2' | 'rs3'; readonly view: FloatView }[];
  readonly writesF?: 's' | 'd';
  /** A plain load or store, at rs1 plus the immediate. */
  readonly access?: { readonly bytes: number; readonly writes: boolean };
  /** It may hand over to the interpreter, not done. */
  readonly leaves: boolean;
  /** It hands over always. `pause` does not: it is only a hint here. */
  readonly traps: boolean;
  /** The host's arithmetic may stand for it when the rounding mode and the flags allow. */
  readonly host: boolean;
}

const known = new WeakMap<Instruction, Traits>();

/** The traits of an instruction, found by running its semantics on a recorder. */
export function traitsOf(instruction: Instruction): Traits {
  let traits = known.get(instruction);
  if (!traits) {
    const recorder = new Recorder();
    instruction.semantics?.(recorder);
    traits = { ...recorder.traits };
    known.set(instruction, traits);
  }
  return traits;
}

const RNE = 0;
const DYNAMIC = 7;

/** Whether translated code for it relies on round-to-nearest-even and the inexact flag being set already. */
export function reliesOnMode({ instruction, rm }: Decoded): boolean {
  return (
    traitsOf(instruction).host &&
    (rm === RNE || rm === DYNAMIC || /^fcvt\.[wl]u?\./.test(instruction.name))
  );
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** An emitter that writes nothing and notes what it is asked for. */
class Recorder implements Emitter {
  readonly traits: Mutable<Traits> & {
    readsX: ('rs1' | 'rs2')[];
    readsF: { field: 'rs1' | 'rs2' | 'rs3'; view: FloatView }[];
  } = { readsX: [], writesX: false, readsF: [], leaves: false, traps: false, host: false };

  x(field: 'rs1' | 'rs2'): Expr<'i64'> {
    this.traits.readsX.push(field);
    return i64.const(0);
  }

  w(field: 'rs1' | 'rs2'): Expr<'i32'> {
    this.traits.readsX.push(field);
    return i32.const(0);
  }

  imm(): Expr<'i64'> {
    return i64.const(0);
  }

  imm32(): Expr<'i32'> {
    return i32.const(0);
  }

  pc(): Expr<'i64'> {
    return i64.const(0);
  }

  nextPc(): Expr<'i64'> {
    return i64.const(0);
  }

  setX(): void {
    this.traits.writesX = true;
  }

  setW(): void {
    this.traits.writesX = true;
  }

  let<T extends ValueType>(value: Expr<T>): Local<T> {
    return { ...value, index: 0 };
  }

  choose<T extends ValueType>(
    ...[, yes]: [condition: Expr<'i32'>, yes: Expr<T>, no: Expr<T>]
  ): Expr<T> {
    return yes;
  }

  load(kind: LoadKind): Expr<'i64'> {
    this.traits.access = { bytes: 2 ** log2Size(kind), writes: false };
    this.traits.leaves = true;
    return i64.const(0);
  }

  store(kind: StoreKind): void {
    this.traits.access = { bytes: 2 ** log2Size(kind), writes: true };
    this.traits.leaves = true;
  }

  amo(): Expr<'i64'> {
    this.traits.leaves = true;
    return i64.const(0);
  }

  loadReserved(): Expr<'i64'> {
    this.traits.leaves = true;
    return i64.const(0);
  }

  storeConditional(): Expr<'i64'> {
    this.traits.leaves = true;
    return i64.const(0);
  }

  /** Afterwards it looks for news, which may be a reason to leave. */
  fence(): void {
    this.traits.leaves = true;
  }

  branch(): void {
    // Reads only: where control goes is the region's business.
  }

  jump(): void {
    this.traits.writesX = true;
  }

  /** Addresses above 4 GiB are the interpreter's. */
  jumpIndirect(): void {
    this.traits.writesX = true;
    this.traits.leaves = true;
  }

  trap(reason: TrapReason): void {
    this.traits.traps = reason !== 'pause';
  }

  fraw(field: 'rs1' | 'rs2'): Expr<'i64'> {
    this.traits.readsF.push({ field, view: 'raw' });
    return i64.const(0);
  }

  f(field: 'rs1' | 'rs2' | 'rs3', format: Format): Expr<'i64'> {
    this.traits.readsF.push({ field, view: viewOf(format) });
    return i64.const(0);
  }

  setF(format: Format): void {
    this.traits.writesF = viewOf(format);
  }

  arithmetic(format: Format, op: FloatArithmetic): void {
    this.compute(format, op === 'sqrt' ? ['rs1'] : ['rs1', 'rs2']);
  }

  fusedMultiplyAdd(format: Format): void {
    this.compute(format, ['rs1', 'rs2', 'rs3']);
  }

  private compute(format: Format, fields: readonly ('rs1' | 'rs2' | 'rs3')[]): void {
    for (const field of fields) this.f(field, format);
    this.traits.writesF = viewOf(format);
    this.traits.leaves = true;
    this.traits.host = format !== 'h';
  }

  float(op: FloatHelper, format: Format): Expr<'i64'> {
    this.traits.leaves = true;
    this.traits.host = format !== 'h' && /^(to|from)_/.test(op) && op !== 'from_h';
    return i64.const(0);
  }
}

function viewOf(format: Format): 's' | 'd' {
  return format === 's' ? 's' : 'd';
}
