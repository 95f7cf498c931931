import type { Hart } from '../multiprocess/hart';
import type { Scope } from './expression';
import type { ProgramSymbol } from '../elf/symbols';
import { readRegister } from './registers';
import { sourceOf } from './source-debugger';
import type { DebugTarget } from './target';

/**
 * What expressions see of a machine from a hart: its registers, `hart`, symbols, memory.
 * @param extra names that stand before all others
 */
export function targetScope(
  target: DebugTarget,
  hart: Hart,
  extra: Readonly<Record<string, bigint>> = {},
): Scope {
  return {
    name(name) {
      if (Object.hasOwn(extra, name)) return extra[name];
      if (name === 'hart') return BigInt(hart.index);
      const register = readRegister(hart.state, name);
      if (register !== undefined) return register;
      const [symbol] = symbolsNamed(target, hart, name);
      return symbol && BigInt(symbol.address);
    },
    memory(address, size) {
      if (address >= 1n << 32n) return undefined;
      const bytes = hart.space.peek(Number(address), size);
      if (bytes.length < size) return undefined;
      return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    },
  };
}

/**
 * The symbols of a name, in the program or else in the dynamic linker or a shared library of the
 * hart's process; several where C++ functions differ in their parameters only.
 */
export function symbolsNamed(
  target: DebugTarget,
  hart: Hart,
  name: string,
): readonly ProgramSymbol[] {
  const own = target.symbolsOf(hart).allByName(name);
  if (own.length > 0) return own;
  for (const { symbols } of sourceOf(target, hart).modules.list().slice(1)) {
    const found = symbols.allByName(name);
    if (found.length > 0) return found;
  }
  return [];
}
