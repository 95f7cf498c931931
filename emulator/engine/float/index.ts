import type { FloatArithmetic, FloatHelper, Format } from '../../isa/emitter';
import { call, i64, type FunctionBuilder, type ModuleBuilder, type ValueType } from '../../wasm';
import { writeAdd } from './add';
import { writeClassify, writeCompare, writeMinimumMaximum } from './compare';
import { writeConvert, writeFromInteger, writeToInteger, type IntegerType } from './convert';
import { writeDivide } from './divide';
import { writeFusedMultiplyAdd } from './fma';
import { FORMATS } from './format';
import { DOUBLE, SINGLE, writeSumHead } from './hardware';
import { writeConvertHead, writeFromIntegerHead, writeToIntegerHead } from './hardware-convert';
import {
  writeDoubleDivideHead,
  writeDoubleFusedMultiplyAddHead,
  writeDoubleMultiplyHead,
  writeDoubleSquareRootHead,
} from './hardware-double';
import {
  writeSingleDivideHead,
  writeSingleFusedMultiplyAddHead,
  writeSingleMultiplyHead,
  writeSingleSquareRootHead,
} from './hardware-single';
import { writeMultiplyHigh, writeShiftRightJam } from './integer';
import { writeMultiply } from './multiply';
import { writePropagateNan, writeRoundAndPack } from './round';
import { writeSquareRoot } from './sqrt';
import { FloatWriter, type SharedFunctions } from './writer';

/** Every operation that has a function. */
export type FloatOperation = FloatArithmetic | 'fma' | FloatHelper;

/** How many operands each operation takes. */
export const FLOAT_ARITY: Readonly<Record<FloatOperation, 1 | 2 | 3>> = {
  add: 2,
  sub: 2,
  mul: 2,
  div: 2,
  sqrt: 1,
  fma: 3,
  min: 2,
  max: 2,
  eq: 2,
  lt: 2,
  le: 2,
  classify: 1,
  to_i32: 1,
  to_u32: 1,
  to_i64: 1,
  to_u64: 1,
  from_i32: 1,
  from_u32: 1,
  from_i64: 1,
  from_u64: 1,
  from_h: 1,
  from_s: 1,
  from_d: 1,
};

/** Operations whose instructions have no rm field: nothing is rounded. */
const EXACT: ReadonlySet<FloatOperation> = new Set([
  'min',
  'max',
  'eq',
  'lt',
  'le',
  'classify',
] as const);

export interface FloatOptions {
  /** Whether the host's relaxed multiply-add is fused (`hostHasFusedMadd`). */
  readonly relaxedMadd: boolean;
}

/** Writes the softfloat code of an operation, whatever the format. */
function writeSoft(w: FloatWriter, op: Exclude<FloatOperation, 'sub'>): void {
  switch (op) {
    case 'add':
      return writeAdd(w);
    case 'mul':
      return writeMultiply(w);
    case 'div':
      return writeDivide(w);
    case 'sqrt':
      return writeSquareRoot(w);
    case 'fma':
      return writeFusedMultiplyAdd(w);
    case 'min':
    case 'max':
      return writeMinimumMaximum(w, op);
    case 'eq':
    case 'lt':
    case 'le':
      return writeCompare(w, op);
    case 'classify':
      return writeClassify(w);
    case 'to_i32':
    case 'to_u32':
    case 'to_i64':
    case 'to_u64':
      return writeToInteger(w, op.slice(3) as IntegerType);
    case 'from_i32':
    case 'from_u32':
    case 'from_i64':
    case 'from_u64':
      return writeFromInteger(w, op.slice(5) as IntegerType);
    case 'from_h':
    case 'from_s':
    case 'from_d':
      return writeConvert(w, FORMATS[op.slice(5) as Format]);
  }
}

/** Minimum, maximum, comparisons and classify are as fast in integer code; `from_h` never meets the host. */
const hasHead = (op: FloatOperation): boolean => !EXACT.has(op) && op !== 'from_h';

/** Writes what stands in front of the softfloat code of single and double precision (`hardware.ts`). */
function writeHead(w: FloatWriter, op: FloatOperation, { relaxedMadd }: FloatOptions): void {
  const double = w.format.name === 'd';
  switch (op) {
    case 'add':
    case 'sub':
      return double ? writeSumHead(w, DOUBLE, op) : writeSumHead(w, SINGLE, op);
    case 'mul':
      return double ? writeDoubleMultiplyHead(w) : writeSingleMultiplyHead(w);
    case 'div':
      return double ? writeDoubleDivideHead(w) : writeSingleDivideHead(w);
    case 'sqrt':
      return double ? writeDoubleSquareRootHead(w) : writeSingleSquareRootHead(w);
    case 'fma':
      if (double) return writeDoubleFusedMultiplyAddHead(w, relaxedMadd);
      return writeSingleFusedMultiplyAddHead(w);
    case 'to_i32':
    case 'to_u32':
    case 'to_i64':
    case 'to_u64':
      return writeToIntegerHead(w, op.slice(3) as IntegerType);
    case 'from_i32':
    case 'from_u32':
    case 'from_i64':
    case 'from_u64':
      return writeFromIntegerHead(w, op.slice(5) as IntegerType);
    case 'from_s':
    case 'from_d':
      return writeConvertHead(w, FORMATS[op.slice(5) as Format]);
    default:
      throw new Error(`${op} has no head`);
  }
}

/**
 * The floating-point functions of one module, added to it when first asked for.
 *
 * Each is `(context: i32, rm: i32, a: i64[, b: i64[, c: i64]]) -> i64`: `context` is the arena address of
 * the hart's context, whose fcsr the raised flags are OR-ed into, `rm` the effective rounding mode (0 to 4).
 * Operands and results are bits of the format, zero-extended to 64; integers are 64-bit register values
 * (`to_i32` and `to_u32` sign-extend from 32 bits, `from_i32` and `from_u32` take the low 32).
 */
export class FloatFunctions {
  private readonly indices = new Map<string, number>();
  private readonly shared: SharedFunctions;

  constructor(
    private readonly module: ModuleBuilder,
    private readonly options: FloatOptions,
  ) {
    this.shared = this.sharedFunctions();
  }

  /**
   * The number of the function that computes `op` in `format`; of conversions the format of the
   * floating-point result (`from_…`) or operand (`to_…`).
   */
  index(op: FloatOperation, format: Format): number {
    if (format === 'h' || !hasHead(op)) return this.soft(op, format);
    return this.defineOperation(op, format, '', (w) => {
      writeHead(w, op, this.options);
      const operands = Array.from({ length: FLOAT_ARITY[op] }, (_, i) => w.operand(i));
      w.f.return(call(this.soft(op, format), 'i64', w.context, w.rm, ...operands));
    });
  }

  /** Exports what has been asked for so far, as `add.s`, `from_i64.d` and so on. */
  export(): void {
    for (const op of Object.keys(FLOAT_ARITY)) {
      for (const format of ['h', 's', 'd']) {
        const name = `${op}.${format}`;
        const index = this.indices.get(name) ?? this.indices.get(`soft.${name}`);
        if (index !== undefined) this.module.export(name, index);
      }
    }
  }

  /** Whether `op` depends on the rounding mode; the others ignore `rm`. */
  rounds(op: FloatOperation): boolean {
    return !EXACT.has(op);
  }

  /** The number of the softfloat function, without the host's arithmetic in front of it. */
  private soft(op: FloatOperation, format: Format): number {
    return this.defineOperation(op, format, 'soft.', (w) => {
      if (op === 'sub') {
        const minusB = i64.xor(w.operand(1), i64.const(w.format.signBit));
        const add = this.soft('add', format);
        w.f.return(call(add, 'i64', w.context, w.rm, w.operand(0), minusB));
      } else writeSoft(w, op);
    });
  }

  private defineOperation(
    op: FloatOperation,
    format: Format,
    prefix: string,
    write: (w: FloatWriter) => void,
  ): number {
    const params: ValueType[] = ['i32', 'i32', 'i64', 'i64', 'i64'];
    return this.define(`${prefix}${op}.${format}`, params.slice(0, 2 + FLOAT_ARITY[op]), (f) =>
      write(new FloatWriter(f, FORMATS[format], this.shared)),
    );
  }

  private sharedFunctions(): SharedFunctions {
    const shiftRightJam = this.define('shiftRightJam', ['i64', 'i64'], writeShiftRightJam);
    return {
      shiftRightJam,
      multiplyHigh: this.define('multiplyHigh', ['i64', 'i64'], writeMultiplyHigh),
      roundAndPack: (format) => {
        const params: ValueType[] = ['i32', 'i32', 'i32', 'i32', 'i64'];
        return this.define(`roundAndPack.${format.name}`, params, (f) =>
          writeRoundAndPack(f, format, shiftRightJam),
        );
      },
      propagateNan: (format) =>
        this.define(`propagateNan.${format.name}`, ['i32', 'i64', 'i64'], (f) =>
          writePropagateNan(f, format),
        ),
    };
  }

  /** The number of the function of that name, which is added to the module if it is not there yet. */
  private define(
    name: string,
    params: readonly ValueType[],
    write: (f: FunctionBuilder) => void,
  ): number {
    const known = this.indices.get(name);
    if (known !== undefined) return known;
    const { index, builder } = this.module.function(params, ['i64']);
    this.indices.set(name, index);
    write(builder);
    return index;
  }
}

/** The floating-point functions of `module`; its imported functions must have been declared. */
export function addFloatFunctions(module: ModuleBuilder, options: FloatOptions): FloatFunctions {
  return new FloatFunctions(module, options);
}
