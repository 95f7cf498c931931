import {
  addFloatFunctions,
  FLOAT_ARITY,
  type FloatOperation,
  type FloatOptions,
} from '../../emulator/engine/float';
import { compileModule } from '../../emulator/engine/host';
import type { Format } from '../../emulator/isa/emitter';
import { HART } from '../../emulator/memory/layout';
import { ModuleBuilder } from '../../emulator/wasm';

/** One operation; `rm` is a rounding mode from 0 to 4. */
export interface FloatCase {
  readonly op: FloatOperation;
  readonly format: Format;
  readonly rm: number;
  /** As many as the operation takes, or more. */
  readonly operands: readonly bigint[];
}

export interface FloatAnswer {
  /** Zero-extended bits of the format, or the 64-bit register value of an integer result. */
  readonly result: bigint;
  /** fcsr afterwards. */
  readonly flags: number;
}

/** Every operation in every format in which it exists. */
export const FLOAT_OPERATIONS = (['h', 's', 'd'] as const).flatMap((format) =>
  (Object.keys(FLOAT_ARITY) as FloatOperation[])
    .filter((op) => op !== `from_${format}`)
    .map((op) => ({ op, format, arity: FLOAT_ARITY[op] })),
);

type FloatFunction = (context: number, rm: number, ...operands: bigint[]) => bigint;

/** The emulator's floating-point functions, each callable by itself. */
export class FloatUnit {
  private readonly memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  private readonly view = new DataView(this.memory.buffer);
  private readonly exports: WebAssembly.Exports;

  constructor(options: FloatOptions) {
    const module = new ModuleBuilder();
    const functions = addFloatFunctions(module, options);
    for (const { op, format } of FLOAT_OPERATIONS) {
      module.export(`${op}.${format}`, functions.index(op, format));
    }
    const compiled = compileModule(module.build());
    this.exports = new WebAssembly.Instance(compiled, { env: { memory: this.memory } }).exports;
  }

  /** Computes one operation, with `flags` already in fcsr. */
  compute({ op, format, rm, operands }: FloatCase, flags: number): FloatAnswer {
    this.view.setUint32(HART.fcsr, flags, true);
    const run = this.exports[`${op}.${format}`] as FloatFunction;
    const result = run(0, rm, ...operands.slice(0, FLOAT_ARITY[op]));
    return {
      result: BigInt.asUintN(64, result),
      flags: this.view.getUint32(HART.fcsr, true),
    };
  }
}
