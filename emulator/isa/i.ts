import { COMPUTE } from './i-compute';
import { CONTROL } from './i-control';
import { MEMORY } from './i-memory';
import type { Instruction } from './types';

/** RV64I: the base integer instruction set (Unprivileged ISA, chapters 2 and 4). */
export const I: readonly Instruction[] = [...COMPUTE, ...MEMORY, ...CONTROL];
