import type { Emitter } from './emitter';

/** The extensions that the table holds, by the names of the RISC-V ISA manual. */
export type Extension =
  | 'I'
  | 'M'
  | 'A'
  | 'F'
  | 'D'
  | 'C'
  | 'Zicsr'
  | 'Zifencei'
  | 'Zba'
  | 'Zbb'
  | 'Zbc'
  | 'Zbs'
  | 'Zicond'
  | 'Zcb'
  | 'Zfh';

/**
 * One instruction, as it stands in the manual.
 *
 * `pattern` is the encoding from the most significant bit to the least, as in the manual's tables: runs of
 * `0` and `1` are fixed bits; a name is a field (`rd rs1 rs2 rs3 rm shamt aq rl csr uimm pred succ fm`); an
 * immediate shows which of its bits lie there (`imm[11:0]`, `imm[12|10:5]`). Fields of compressed
 * instructions are `rd' rs1' rs2'` (three bits, x8 to x15), and `nzimm`/`nzuimm`/`uimm` as in the manual:
 * `u` is zero-extended, `nz` must not be zero. `rd≠0` and `rd≠2` name a register that makes it another
 * instruction or a reserved encoding.
 *
 * `syntax` is the operand list in assembly: `rd, rs1, imm`, `rd, imm(rs1)`, `frd, frs1, frs2, rm`; a
 * register name that begins with `f` is a floating-point register, `offset` a target relative to pc and
 * `imm[31:12]` an immediate that is written without its low 12 bits.
 */
export interface Instruction {
  readonly name: string;
  readonly extension: Extension;
  readonly pattern: string;
  readonly syntax: string;
  /** What it does, written against the abstract emitter. Absent for compressed ones, which expand. */
  readonly semantics?: (s: Emitter) => void;
  /** For compressed instructions: the base instruction and where its operands come from. */
  readonly expands?: Expansion;
  /** How control leaves the instruction; plain ones fall through. */
  readonly control?: Control;
  /** The instruction that this one is a special case of: its encodings are taken from that one's. */
  readonly narrows?: string;
  /** One sentence for hover help and the docs page. */
  readonly sentence: string;
  /** A line of assembly that the assembler accepts. */
  readonly example: string;
}

/** A compressed instruction is another spelling of a base instruction. */
export interface Expansion {
  readonly to: string;
  /** The base instruction's fields: another field of the compressed one, or a fixed register number. */
  readonly rd?: FieldSource;
  readonly rs1?: FieldSource;
  readonly rs2?: FieldSource;
  /** A fixed immediate; by default the compressed instruction's own. */
  readonly imm?: number;
}

export type FieldSource = 'rd' | 'rs1' | 'rs2' | number;

/**
 * - `branch`: conditional, to pc + imm or on; `jump`: to pc + imm; `indirect`: to an address in a register
 * - `trap`: always hands over to the hart loop (ecall, ebreak, fence.i, wfi)
 */
export type Control = 'branch' | 'jump' | 'indirect' | 'trap';

/** One instruction found in memory: which it is and what its fields hold. */
export interface Decoded {
  /** The instruction whose semantics run; for a compressed encoding the one it expands to. */
  readonly instruction: Instruction;
  /** The instruction as it was encoded (the compressed one, or the same as `instruction`). */
  readonly encoded: Instruction;
  /** Bytes: 2 or 4. */
  readonly length: 2 | 4;
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  readonly rs3: number;
  /**
   * The immediate as the semantics use it (sign- or zero-extended, scaled); shift amount; CSR number; or
   * `fm << 8 | pred << 4 | succ` of a fence. The 5-bit constant of `csrrwi` and its kin is in `rs1`.
   */
  readonly imm: number;
  /** Rounding mode field; 7 is dynamic. For atomics the aq and rl bits (aq << 1 | rl). */
  readonly rm: number;
}
