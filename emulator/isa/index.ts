/** The instruction set: one table, and what reads it. */
export { decode, encode, instructionLength } from './decoder';
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
