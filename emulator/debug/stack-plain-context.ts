import { UnavailableError, type ExpressionContext } from '../elf/dwarf/expression';
import type { StackMemory } from './stack-memory';
import { FrameRegisters } from './stack-registers';

/** For expressions that may use memory and registers only: of call frames, of virtual base classes. */
export function plainContext(
  memory: StackMemory,
  base: number,
  registers = new FrameRegisters(),
): ExpressionContext {
  const none = (): never => {
    throw new UnavailableError('<the expression asks for what is not known here>');
  };
  return {
    is64: false,
    addressSize: 8,
    version: 5,
    base,
    register: (number) => registers.get(number) ?? none(),
    memory: (address, size) => memory.need(address, size),
    frameBase: none,
    cfa: none,
    entryValue: none,
    threadLocal: none,
    indexedAddress: none,
    baseType: () => undefined,
  };
}
