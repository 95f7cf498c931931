import { HART } from '../../emulator/memory/layout';
import { FLOAT_ARITY } from '../../emulator/engine/float';
import type { Format } from '../../emulator/isa/emitter';
import { assemble } from '../../emulator/isa/assembler';
import { CODE } from '../support/assembly-guest';
import { FLOAT_OPERATIONS, type FloatAnswer, type FloatCase } from '../support/float-unit';
import { EVERYTHING, GuestHart } from '../support/guest-hart';
import { mnemonic } from './float-reference';

/** fa0 and a0, where operands begin and results lie. */
const [FA0, A0] = [10, 10];
const ROUNDING_MODES = 5;
const BOX: Record<Format, bigint> = { h: 0xffffffffffff0000n, s: 0xffffffff00000000n, d: 0n };
const WIDTH: Record<Format, number> = { h: 16, s: 32, d: 64 };

/** Where operands and result of an operation lie. */
const takesInteger = (op: string): boolean => /^from_[iu]/.test(op);
const givesInteger = (op: string): boolean =>
  op.startsWith('to_') || ['eq', 'lt', 'le', 'classify'].includes(op);

function assembly({ op, format }: Pick<FloatCase, 'op' | 'format'>): string {
  const operands = Array.from({ length: FLOAT_ARITY[op] }, (_, i) => `fa${i}`);
  const from = takesInteger(op) ? ['a0'] : operands;
  const to = givesInteger(op) ? 'a0' : 'fa0';
  return `${mnemonic(op, format)} ${[to, ...from].join(', ')}\nebreak\n`;
}

/**
 * Floating-point instructions in translated code. Each operation is there once for each rounding mode and each
 * state of the flags in which it is met, because code is translated for those.
 */
export class TranslatedFloatUnit {
  private readonly hart = new GuestHart({ engine: 'translator' });
  private readonly places = new Map<string, number>();

  constructor() {
    const variants = FLOAT_OPERATIONS.flatMap((operation) =>
      Array.from({ length: ROUNDING_MODES * 2 }, () => operation),
    );
    const { bytes } = assemble(variants.map(assembly).join(''), { base: CODE });
    this.hart.load(CODE, bytes, EVERYTHING);
    const size = bytes.length / variants.length;
    FLOAT_OPERATIONS.forEach(({ op, format }, i) => {
      this.places.set(`${op}.${format}`, CODE + i * ROUNDING_MODES * 2 * size);
    });
  }

  /** Instructions that ran in translated code. */
  get translatedInstructions(): number {
    return this.hart.engine.stats.translatedInstructions;
  }

  /** Computes one operation, with `flags` (none, or NX) already in fcsr. */
  compute({ op, format, rm, operands }: FloatCase, flags: number): FloatAnswer {
    const { state } = this.hart;
    const place = this.places.get(`${op}.${format}`);
    if (place === undefined) throw new Error(`no code for ${op}.${format}`);
    const start = place + (2 * rm + (flags === 0 ? 0 : 1)) * 8;
    const source = /^from_[hsd]/.test(op) ? (op.slice(5) as Format) : format;
    operands.slice(0, FLOAT_ARITY[op]).forEach((operand, i) => {
      if (takesInteger(op)) state.setX(A0 + i, operand);
      else state.setF(FA0 + i, BigInt.asUintN(WIDTH[source], operand) | BOX[source]);
    });
    state.setField(HART.fcsr, flags | (rm << 5));
    state.pc = start;
    const stop = this.hart.run(1000);
    if (stop.kind !== 'ebreak' || state.pc !== start + 4) {
      throw new Error(`${op}.${format} at pc 0x${state.pc.toString(16)}: ${stop.kind}`);
    }
    const width = op.startsWith('to_') ? 64 : WIDTH[format];
    const register = givesInteger(op) ? state.x(A0) : state.f(FA0);
    return { result: BigInt.asUintN(width, register), flags: state.field(HART.fcsr) & 31 };
  }

  close(): void {
    this.hart.close();
  }
}
