import { readLineHeader, type LineHeaderContext, type SourceFile } from './line-header';
import { DwarfReader } from './reader';

/** Standard opcodes (DW_LNS) and extended ones (DW_LNE), DWARF 5, section 7.22. */
const LNS = {
  copy: 1,
  advancePc: 2,
  advanceLine: 3,
  setFile: 4,
  setColumn: 5,
  negateStmt: 6,
  setBasicBlock: 7,
  constAddPc: 8,
  fixedAdvancePc: 9,
  setPrologueEnd: 10,
  setEpilogueBegin: 11,
  setIsa: 12,
} as const;
const LNE = { endSequence: 1, setAddress: 2, defineFile: 3, setDiscriminator: 4 } as const;

/** Bits of `LineRows.flags`. */
export const IS_STATEMENT = 1;
export const END_SEQUENCE = 2;
export const PROLOGUE_END = 4;

/** Rows that one program may make: more is hostile. */
const MAX_ROWS = 1 << 24;

/**
 * The rows of one line number program, in the program's order: a column each.
 *
 * | array       | a row's element                                    |
 * |-------------|----------------------------------------------------|
 * | `addresses` | first address, as linked                           |
 * | `files`     | index in `LineProgram.files`                       |
 * | `lines`     | line number from 1, 0 = no line                    |
 * | `columns`   | column from 1, 0 = unknown                         |
 * | `flags`     | IS_STATEMENT, END_SEQUENCE, PROLOGUE_END           |
 */
export class LineRows {
  length = 0;
  addresses = new Float64Array(256);
  files = new Uint32Array(256);
  lines = new Uint32Array(256);
  columns = new Uint32Array(256);
  flags = new Uint8Array(256);

  push(address: number, file: number, line: number, column: number, flags: number): void {
    if (this.length === this.addresses.length) this.grow();
    const at = this.length++;
    this.addresses[at] = address;
    this.files[at] = file;
    this.lines[at] = line;
    this.columns[at] = column;
    this.flags[at] = flags;
  }

  private grow(): void {
    const size = this.length * 2;
    const larger = <T extends Float64Array | Uint32Array | Uint8Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.addresses = larger(new Float64Array(size), this.addresses);
    this.files = larger(new Uint32Array(size), this.files);
    this.lines = larger(new Uint32Array(size), this.lines);
    this.columns = larger(new Uint32Array(size), this.columns);
    this.flags = larger(new Uint8Array(size), this.flags);
  }
}

export interface LineProgram {
  readonly rows: LineRows;
  readonly files: readonly (SourceFile | undefined)[];
}

/**
 * Runs the line number program at `offset` of .debug_line (DWARF 5, section 6.2.5).
 * @throws DwarfError
 */
export function runLineProgram(
  section: Uint8Array,
  offset: number,
  context: LineHeaderContext,
): LineProgram {
  const reader = new DwarfReader('.debug_line', section, offset);
  const { length, is64 } = reader.initialLength();
  const program = reader.part(length);
  const header = readLineHeader(program, is64, context);
  const { minimumLength, maximumOperations, lineBase, lineRange, opcodeBase } = header;
  if (lineRange === 0) program.fail('the line range is 0');

  const rows = new LineRows();
  const files = [...header.files];
  let address = 0;
  let operation = 0;
  let file = 1;
  let line = 1;
  let column = 0;
  let isStatement = header.defaultIsStatement;
  let marks = 0;

  const advance = (operations: number): void => {
    if (maximumOperations <= 1) address += minimumLength * operations;
    else {
      address += minimumLength * Math.floor((operation + operations) / maximumOperations);
      operation = (operation + operations) % maximumOperations;
    }
    if (address > Number.MAX_SAFE_INTEGER) program.fail('an address is too large');
  };
  const emit = (more = 0): void => {
    if (rows.length >= MAX_ROWS) program.fail('the line table is too long');
    rows.push(address, file, line, column, (isStatement ? IS_STATEMENT : 0) | marks | more);
    marks = 0;
  };
  const reset = (): void => {
    address = operation = column = marks = 0;
    file = line = 1;
    isStatement = header.defaultIsStatement;
  };
  const extended = (): void => {
    const size = program.uleb();
    const part = program.part(size);
    if (size === 0) return;
    const opcode = part.u8();
    if (opcode === LNE.endSequence) {
      emit(END_SEQUENCE);
      reset();
    } else if (opcode === LNE.setAddress) {
      address = part.unsigned(size - 1);
      operation = 0;
    } else if (opcode === LNE.defineFile) files.push({ path: part.text() });
    // DW_LNE_set_discriminator and vendors' opcodes change nothing that is kept.
  };
  const standard = (opcode: number): void => {
    switch (opcode) {
      case LNS.copy:
        return emit();
      case LNS.advancePc:
        return advance(program.uleb());
      case LNS.advanceLine:
        line = (line + program.sleb()) >>> 0;
        return;
      case LNS.setFile:
        file = program.uleb();
        return;
      case LNS.setColumn:
        column = program.uleb();
        return;
      case LNS.negateStmt:
        isStatement = !isStatement;
        return;
      case LNS.constAddPc:
        return advance(Math.floor((255 - opcodeBase) / lineRange));
      case LNS.fixedAdvancePc:
        address += program.u16();
        operation = 0;
        return;
      case LNS.setPrologueEnd:
        marks |= PROLOGUE_END;
        return;
      case LNS.setBasicBlock:
      case LNS.setEpilogueBegin:
        return;
      default:
        for (let left = header.operands[opcode] ?? 0; left > 0; left--) program.uleb64();
    }
  };

  while (!program.done) {
    const opcode = program.u8();
    if (opcode === 0) extended();
    else if (opcode < opcodeBase) standard(opcode);
    else {
      const adjusted = opcode - opcodeBase;
      advance(Math.floor(adjusted / lineRange));
      line = (line + lineBase + (adjusted % lineRange)) >>> 0;
      emit();
    }
  }
  return { rows, files };
}
