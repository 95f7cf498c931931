/** The instruction set: one table, and what reads it. */
export { assemble, type Assembly, type AssemblyOptions } from './assembler';
export { AssemblyError } from './assembly-text';
export { csrName, csrNumber } from './csrs';
export { decode, encode, instructionLength } from './decoder';
export { describe, type BitRun, type Description, type FieldValue } from './describe';
export {
  disassemble,
  disassembleWord,
  type Disassembly,
  type DisassemblyOptions,
  type Symbolizer,
} from './disassemble';
export { FLOAT_REGISTERS, INTEGER_REGISTERS } from './registers';
export { INSTRUCTIONS } from './table';
export type {
  AmoOperation,
  AtomicWidth,
  Emitter,
  FloatArithmetic,
  FloatHelper,
  Format,
  LoadKind,
  StoreKind,
  TrapReason,
} from './emitter';
export type { Control, Decoded, Extension, Instruction } from './types';
