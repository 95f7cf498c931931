import { DW_FORM } from './constants';
import { readForm } from './forms';
import type { DwarfReader } from './reader';
import type { DwarfStrings } from './strings';

/** Contents of the tables of DWARF 5 (DW_LNCT, section 7.22). */
const LNCT = { path: 1, directoryIndex: 2, md5: 5 } as const;
/** Entries that the file tables of one header may have. */
const MAX_FILES = 1 << 20;

/** A source file as a line table names it. */
export interface SourceFile {
  /** With its directory, as far as the program says; not normalised further than `a/./b`. */
  readonly path: string;
  /** Of its content, as 32 hexadecimal digits (DWARF 5). */
  readonly md5?: string;
}

/** The header of a line number program (DWARF 5, section 6.2.4). */
export interface LineHeader {
  readonly version: number;
  readonly minimumLength: number;
  readonly maximumOperations: number;
  readonly defaultIsStatement: boolean;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** Number of operands of the standard opcodes, by opcode. */
  readonly operands: readonly number[];
  /** By the numbers that the program uses: from 1 before DWARF 5, from 0 since. */
  readonly files: readonly (SourceFile | undefined)[];
}

/** What the file names are made with. */
export interface LineHeaderContext {
  readonly strings: DwarfStrings;
  readonly addressSize: number;
  /** DW_AT_comp_dir of the unit. */
  readonly directory: string;
  /** DW_AT_name of the unit. */
  readonly name: string;
}

/**
 * Reads the header; leaves `unit`, the reader of the whole line number unit, at the program.
 * @throws DwarfError
 */
export function readLineHeader(
  unit: DwarfReader,
  is64: boolean,
  context: LineHeaderContext,
): LineHeader {
  const version = unit.u16();
  if (version < 2 || version > 5) unit.fail(`line tables of version ${version} are not read`, -2);
  if (version >= 5) unit.skip(2); // address_size, segment_selector_size
  const headerLength = unit.offset(is64);
  const header = unit.part(headerLength);
  const minimumLength = header.u8();
  const maximumOperations = version >= 4 ? header.u8() : 1;
  const defaultIsStatement = header.u8() !== 0;
  const lineBase = header.i8();
  const lineRange = header.u8();
  const opcodeBase = header.u8();
  const operands = [0];
  for (let opcode = 1; opcode < opcodeBase; opcode++) operands.push(header.u8());
  const files =
    version >= 5 ? readTables(header, is64, version, context) : readOldTables(header, context);
  return {
    version,
    minimumLength,
    maximumOperations,
    defaultIsStatement,
    lineBase,
    lineRange,
    opcodeBase,
    operands,
    files,
  };
}

function readOldTables(
  header: DwarfReader,
  { directory, name }: LineHeaderContext,
): (SourceFile | undefined)[] {
  const directories = [directory];
  for (let path = header.text(); path !== ''; path = header.text()) {
    directories.push(joinPath(directory, path));
  }
  const files: (SourceFile | undefined)[] = [{ path: joinPath(directory, name) }];
  for (let path = header.text(); path !== ''; path = header.text()) {
    const index = header.uleb();
    header.uleb(); // time of last modification
    header.uleb(); // length in bytes
    files.push({ path: joinPath(directories[index] ?? directory, path) });
  }
  return files;
}

interface TableRow {
  path: string;
  directory: number;
  md5?: string;
}

function readTables(
  header: DwarfReader,
  is64: boolean,
  version: number,
  context: LineHeaderContext,
): SourceFile[] {
  const rows = (): TableRow[] => readTable(header, is64, version, context);
  const directories = rows().map(({ path }) => joinPath(context.directory, path));
  return rows().map(({ path, directory, md5 }) => ({
    path: joinPath(directories[directory] ?? context.directory, path),
    ...(md5 !== undefined && { md5 }),
  }));
}

function readTable(
  header: DwarfReader,
  is64: boolean,
  version: number,
  { strings, addressSize }: LineHeaderContext,
): TableRow[] {
  const formats: { content: number; form: number }[] = [];
  for (let left = header.u8(); left > 0; left--) {
    formats.push({ content: header.uleb(), form: header.uleb() });
  }
  const count = header.uleb();
  if (count > MAX_FILES || (formats.length === 0 && count > 0)) {
    header.fail(`a table of ${count} files is too large`);
  }
  const rows: TableRow[] = [];
  for (let i = 0; i < count; i++) {
    const row: TableRow = { path: '', directory: 0 };
    for (const { content, form } of formats) {
      const value = readForm(header, form, { version, is64, addressSize });
      if (content === LNCT.path) row.path = textOf(value, form, strings);
      else if (content === LNCT.directoryIndex) row.directory = Number(value);
      else if (content === LNCT.md5 && value instanceof Uint8Array) {
        row.md5 = [...value].map((byte) => byte.toString(16).padStart(2, '0')).join('');
      }
    }
    rows.push(row);
  }
  return rows;
}

function textOf(value: unknown, form: number, strings: DwarfStrings): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'number') return '';
  if (form === DW_FORM.lineStrp) return strings.at('.debug_line_str', value);
  return form === DW_FORM.strp ? strings.at('.debug_str', value) : '';
}

/** `path` in `directory`, unless it is absolute; `.` parts are left out. */
function joinPath(directory: string, path: string): string {
  const whole = path.startsWith('/') || directory === '' ? path : `${directory}/${path}`;
  const plain = whole
    .replaceAll(/\/+/g, '/')
    .replaceAll(/\/(?:\.\/)+/g, '/')
    .replace(/^(?:\.\/)+(?=.)/, '')
    .replace(/(.)\/\.?$/, '$1');
  return plain;
}
