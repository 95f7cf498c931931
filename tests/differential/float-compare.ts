import {
  addFloatFunctions,
  FLOAT_ARITY,
  type FloatOperation,
  type FloatOptions,
} from '../../emulator/engine/float';
import { HART } from '../../emulator/memory/layout';
import { ModuleBuilder } from '../../emulator/wasm';
import { floatCases, type FloatCase } from './float-operands';
import type { FloatAnswer, FloatReference } from './float-reference';

/** Every operation in every format in which it exists. */
export const OPERATIONS = (['h', 's', 'd'] as const).flatMap((format) =>
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
    for (const { op, format } of OPERATIONS) {
      module.export(`${op}.${format}`, functions.index(op, format));
    }
    const compiled = new WebAssembly.Module(module.build());
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

const NX = 1;
const show = (x: bigint): string => `0x${x.toString(16)}`;

/**
 * Computes random cases of every operation both ways, with NX clear and with NX set beforehand (the
 * functions take different paths then). Returns a line for each difference, at most `limit`.
 */
export function differences(
  unit: FloatUnit,
  reference: FloatReference,
  casesPerOperation: number,
  seed: number,
  limit = 20,
): { cases: number; lines: string[] } {
  const cases = OPERATIONS.flatMap(({ op, format }, i) => [
    ...floatCases(op, format, casesPerOperation, seed * 1000 + i + 1),
  ]);
  const answers = reference.answers(cases);
  const lines: string[] = [];
  cases.forEach((test, i) => {
    const expected = answers[i];
    if (!expected) throw new Error(`no answer for case ${i}`);
    for (const before of [0, NX]) {
      const got = unit.compute(test, before);
      const flags = expected.flags | before;
      if (got.result === expected.result && got.flags === flags) continue;
      if (lines.length >= limit) return;
      const operands = test.operands.slice(0, FLOAT_ARITY[test.op]).map(show).join(', ');
      lines.push(
        `${test.op}.${test.format}(${operands}) rm=${test.rm}, flags ${before} before: ` +
          `${show(got.result)} flags ${got.flags}, reference ${show(expected.result)} flags ${flags}`,
      );
    }
  });
  return { cases: cases.length, lines };
}
