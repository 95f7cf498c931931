import { writeElf, type Segment } from './elf-writer';
import { encodePart, SCRATCH_REACH } from './streams';

/** The registers that a program starts and ends with; x0 is left out of both. */
export interface RegisterState {
  readonly x: readonly bigint[];
  readonly f: readonly bigint[];
  readonly fcsr: number;
}

/** A piece of code, run once between a prologue that sets all registers and an epilogue that stores them. */
export interface Program {
  readonly code: Uint8Array;
  readonly initial: RegisterState;
  /** This register holds the address of the middle of `memory`, before and after. */
  readonly base: number;
  /** `2 × SCRATCH_REACH` bytes. */
  readonly memory: Uint8Array;
}

export interface Outcome extends RegisterState {
  readonly memory: Uint8Array;
}

/**
 * Each program has 4 KiB of data around its base register's address, a page boundary:
 *
 * | from base | bytes | what |
 * |-----------|-------|------|
 * | -1024     | 2048  | scratch memory |
 * | 1024      | 512   | final fcsr, x1 … x31, f0 … f31 |
 * | 1536      | 512   | initial fcsr, x1 … x31, f0 … f31 |
 */
const AREA = 4096;
const FINAL = SCRATCH_REACH;
const INITIAL = SCRATCH_REACH + 512;
const CODE = 0x1000_0000;
const DATA = 0x2000_0000;
const SLOTS = 64;
const FCSR = 3;

/** Many programs in one executable, which writes the data of all of them to its standard output and exits. */
export interface Batch {
  readonly elf: Uint8Array<ArrayBuffer>;
  readonly entry: number;
  readonly segments: readonly Segment[];
  readonly dataBytes: number;
  /** Instructions that are not the programs' own. */
  readonly overhead: number;
  readonly programs: readonly Program[];
}

class CodeWriter {
  private readonly chunks: Uint8Array[] = [];
  length = 0;
  /** Instructions written with `add`. */
  count = 0;

  add(name: string, slots: { rd?: number; rs1?: number; rs2?: number; imm?: number } = {}): void {
    const all = { rd: 0, rs1: 0, rs2: 0, rs3: 0, imm: 0, rm: 0, ...slots };
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, encodePart({ name, slots: all }), true);
    this.append(bytes);
    this.count += 1;
  }

  append(bytes: Uint8Array): void {
    this.chunks.push(bytes);
    this.length += bytes.length;
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.length);
    let at = 0;
    for (const chunk of this.chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }
}

const REGISTERS = Array.from({ length: 32 }, (_, n) => n);
const baseAddress = (index: number): number => DATA + AREA * (index + 1);

function writePrologue(code: CodeWriter, base: number, address: number): void {
  code.add('lui', { rd: base, imm: address });
  for (const n of REGISTERS) code.add('fld', { rd: n, rs1: base, imm: INITIAL + 8 * (32 + n) });
  const other = base === 1 ? 2 : 1;
  code.add('ld', { rd: other, rs1: base, imm: INITIAL });
  code.add('csrrw', { rs1: other, imm: FCSR });
  for (const n of REGISTERS.slice(1)) {
    if (n !== base) code.add('ld', { rd: n, rs1: base, imm: INITIAL + 8 * n });
  }
}

function writeEpilogue(code: CodeWriter, base: number): void {
  for (const n of REGISTERS.slice(1)) code.add('sd', { rs1: base, rs2: n, imm: FINAL + 8 * n });
  for (const n of REGISTERS) code.add('fsd', { rs1: base, rs2: n, imm: FINAL + 8 * (32 + n) });
  const other = base === 1 ? 2 : 1;
  code.add('csrrs', { rd: other, imm: FCSR });
  code.add('sd', { rs1: base, rs2: other, imm: FINAL });
}

/** Loads a constant below 2^31. */
function writeConstant(code: CodeWriter, rd: number, value: number): void {
  const low = (value << 20) >> 20;
  code.add('lui', { rd, imm: value - low });
  code.add('addi', { rd, rs1: rd, imm: low });
}

const SYSCALL = { write: 64, exit: 93 } as const;

export function makeBatch(programs: readonly Program[]): Batch {
  const code = new CodeWriter();
  const data = new Uint8Array(AREA * (programs.length + 2));
  const view = new DataView(data.buffer);
  programs.forEach(({ code: body, initial, base, memory }, i) => {
    writePrologue(code, base, baseAddress(i));
    code.append(body);
    writeEpilogue(code, base);
    const at = baseAddress(i) - DATA;
    data.set(memory, at - SCRATCH_REACH);
    view.setBigUint64(at + INITIAL, BigInt(initial.fcsr), true);
    for (const n of REGISTERS.slice(1)) view.setBigUint64(at + INITIAL + 8 * n, initial.x[n], true);
    for (const n of REGISTERS) view.setBigUint64(at + INITIAL + 8 * (32 + n), initial.f[n], true);
  });
  writeConstant(code, 17, SYSCALL.write);
  writeConstant(code, 10, 1);
  writeConstant(code, 11, DATA);
  writeConstant(code, 12, data.length);
  code.add('ecall');
  writeConstant(code, 17, SYSCALL.exit);
  writeConstant(code, 10, 0);
  code.add('ecall');
  const segments = [
    { address: CODE, bytes: code.bytes(), writable: false, executable: true },
    { address: DATA, bytes: data, writable: true, executable: false },
  ];
  const elf = writeElf(CODE, segments);
  return { elf, entry: CODE, segments, dataBytes: data.length, overhead: code.count, programs };
}

/** Reads what the programs left from the batch's output. */
export function readOutcomes({ programs, dataBytes }: Batch, output: Uint8Array): Outcome[] {
  if (output.length !== dataBytes) {
    throw new Error(`the programs wrote ${output.length} bytes, not ${dataBytes}`);
  }
  const view = new DataView(output.buffer, output.byteOffset, output.length);
  return programs.map((_, i) => {
    const at = baseAddress(i) - DATA;
    const slots = Array.from({ length: SLOTS }, (_unused, n) =>
      view.getBigUint64(at + FINAL + 8 * n, true),
    );
    return {
      fcsr: Number(slots[0]),
      x: [0n, ...slots.slice(1, 32)],
      f: slots.slice(32),
      memory: output.slice(at - SCRATCH_REACH, at + SCRATCH_REACH),
    };
  });
}
