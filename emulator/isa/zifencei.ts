import type { Instruction } from './types';

/** Zifencei: instruction-fetch fence (Unprivileged ISA, chapter 5); its other fields are ignored. */
export const ZIFENCEI: readonly Instruction[] = [
  {
    name: 'fence.i',
    extension: 'Zifencei',
    pattern: 'imm[11:0] rs1 001 rd 0001111',
    syntax: '',
    semantics: (s) => s.trap('fence.i'),
    control: 'trap',
    sentence:
      'Makes earlier stores to instruction memory visible to the fetches after it on this hart.',
    example: 'fence.i',
  },
];
