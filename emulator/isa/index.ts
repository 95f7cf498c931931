/** The instruction set: one table, and what reads it. */
export { assemble } from './assembler';
export { decode, encode, instructionLength } from './decoder';
export { describeInstruction } from './describe';
export { disassemble, disassembleWord } from './disassemble';
export { FLOAT_REGISTERS, INTEGER_REGISTERS } from './registers';
export { INSTRUCTIONS } from './table';
export type { Emitter } from './emitter';
export type { Decoded, Extension, Instruction } from './types';
