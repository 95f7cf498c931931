import type { HartState } from '../engine/hart-state';
import { FLOAT_REGISTERS, INTEGER_REGISTERS } from '../isa';
import { ExpressionError } from './expression-tokens';
import { REGISTER_TABLE, type HartId, type RegisterSet, type RegisterTable } from './protocol';

/** Where a register lies in a hart's state. */
type Place =
  | { readonly file: 'x' | 'f'; readonly index: number }
  | { readonly file: 'pc' | 'fcsr' | 'instret' | 'mhartid' };

/** All names of all registers: `x10`, `a0`, `fp`, `f10`, `fa0`, `pc`, `fcsr` … */
const PLACES: ReadonlyMap<string, Place> = new Map<string, Place>([
  ...INTEGER_REGISTERS.map((name, index): [string, Place] => [name, { file: 'x', index }]),
  ...INTEGER_REGISTERS.map((_, index): [string, Place] => [`x${index}`, { file: 'x', index }]),
  ['fp', { file: 'x', index: 8 }],
  ...FLOAT_REGISTERS.map((name, index): [string, Place] => [name, { file: 'f', index }]),
  ...FLOAT_REGISTERS.map((_, index): [string, Place] => [`f${index}`, { file: 'f', index }]),
  ['pc', { file: 'pc' }],
  ['fcsr', { file: 'fcsr' }],
  ['instret', { file: 'instret' }],
  ['mhartid', { file: 'mhartid' }],
]);

const hexadecimal = (value: bigint): string => `0x${value.toString(16).padStart(16, '0')}`;

export function registerSet(hart: HartState, id: HartId): RegisterSet {
  const all = [...Array(32).keys()];
  return {
    hart: id,
    pc: hart.pc,
    x: all.map((n) => hexadecimal(hart.x(n))),
    f: all.map((n) => hexadecimal(hart.f(n))),
    fcsr: hart.fcsr,
    instret: hart.instret,
    mhartid: hart.mhartid,
  };
}

/** Registers of several harts as one block. */
export function registerTable(
  harts: readonly { index: HartId; state: HartState }[],
): RegisterTable {
  const { f, pc, fcsr, instret, size } = REGISTER_TABLE;
  const values = new BigUint64Array(size * harts.length);
  harts.forEach(({ state }, n) => {
    const at = size * n;
    for (let i = 0; i < 32; i++) {
      values[at + i] = state.x(i);
      values[at + f + i] = state.f(i);
    }
    values[at + pc] = BigInt(state.pc);
    values[at + fcsr] = BigInt(state.fcsr);
    values[at + instret] = BigInt(state.instret);
  });
  return { harts: harts.map(({ index }) => index), values };
}

/** The value of the register of that name; undefined when there is none. */
export function readRegister(hart: HartState, name: string): bigint | undefined {
  const place = PLACES.get(name);
  switch (place?.file) {
    case 'x':
      return hart.x(place.index);
    case 'f':
      return hart.f(place.index);
    case 'pc':
    case 'fcsr':
    case 'instret':
    case 'mhartid':
      return BigInt(hart[place.file]);
    default:
      return undefined;
  }
}

/**
 * Writes a register.
 * @throws ExpressionError when there is no such register, it cannot be written, or the value does not fit
 */
export function writeRegister(hart: HartState, name: string, value: bigint): void {
  const place = PLACES.get(name);
  if (place === undefined) throw new ExpressionError(`no register is called ${name}`);
  const bits = BigInt.asUintN(64, value);
  if (value !== bits && value !== BigInt.asIntN(64, value)) {
    throw new ExpressionError(`${value} does not fit in 64 bits`);
  }
  switch (place.file) {
    case 'x':
      if (place.index === 0) throw new ExpressionError('zero cannot be written: it is always 0');
      hart.setX(place.index, bits);
      return;
    case 'f':
      hart.setF(place.index, bits);
      return;
    case 'pc':
      if ((bits & 1n) !== 0n || bits >= 1n << 32n) {
        throw new ExpressionError('pc must be an even address below 4 GiB');
      }
      hart.pc = Number(bits);
      return;
    case 'fcsr':
      if (bits > 0xffn) throw new ExpressionError('fcsr has 8 bits: at most 0xff');
      hart.fcsr = Number(bits);
      return;
    default:
      throw new ExpressionError(`${name} cannot be written`);
  }
}
