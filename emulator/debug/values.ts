import type { Hart } from '../multiprocess/hart';
import { ExpressionError, parseTyped } from './expression';
import { sizeOf, typeName, type ValueType } from './expression-types';
import type { EvaluatedValue } from './protocol';
import { writeRegister } from './registers';
import { targetScope } from './scope';
import type { DebugTarget } from './target';

const scratch = new DataView(new ArrayBuffer(8));

/** A value for people: a decimal number, a floating-point number, a pointer in hexadecimal. */
export function valueText(value: bigint, type: ValueType): string {
  if (type.pointers > 0) return `0x${BigInt.asUintN(64, value).toString(16)}`;
  if (type.kind !== 'float') return value.toString();
  scratch.setBigUint64(0, BigInt.asUintN(64, value), true);
  return String(type.bits === 32 ? scratch.getFloat32(0, true) : scratch.getFloat64(0, true));
}

/**
 * The value of an expression on a hart.
 * @throws ExpressionError when it cannot be read or evaluated
 */
export function evaluate(target: DebugTarget, hart: Hart, text: string): EvaluatedValue {
  const { value, type, address } = parseTyped(text);
  const scope = targetScope(target, hart);
  const result = value(scope);
  const bits = 8 * sizeOf(type);
  const digits = BigInt.asUintN(bits, result).toString(16);
  return {
    value: `0x${digits.padStart(bits / 4, '0')}`,
    type: typeName(type),
    text: valueText(result, type),
    ...(address && { address: Number(BigInt.asUintN(64, address(scope))) }),
  };
}

/**
 * Writes the register or the memory that an expression names.
 * @throws ExpressionError when it names no place, or the value does not fit there
 */
export function assign(target: DebugTarget, hart: Hart, place: string, text: string): void {
  const { type, address, name } = parseTyped(place);
  const scope = targetScope(target, hart);
  const value = parseTyped(text).value(scope);
  if (name !== undefined) {
    writeRegister(hart.state, name, value);
    return;
  }
  if (!address) {
    throw new ExpressionError(
      `${place} is neither a register nor memory: write *(int *)(${place})`,
    );
  }
  const size = sizeOf(type);
  const bits = 8 * size;
  if (value !== BigInt.asIntN(bits, value) && value !== BigInt.asUintN(bits, value)) {
    throw new ExpressionError(`${value} does not fit in ${bits} bits`);
  }
  const at = BigInt.asUintN(64, address(scope));
  const bytes = Uint8Array.from({ length: size }, (_, i) =>
    Number((BigInt.asUintN(64, value) >> BigInt(8 * i)) & 0xffn),
  );
  if (at >= 1n << 32n || hart.space.poke(Number(at), bytes) < size) {
    throw new ExpressionError(`memory at 0x${at.toString(16)} cannot be written`);
  }
}
