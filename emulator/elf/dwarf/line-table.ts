import { DW_AT } from './constants';
import {
  END_SEQUENCE,
  IS_STATEMENT,
  PROLOGUE_END,
  runLineProgram,
  type LineProgram,
} from './line-program';
import type { AddressRange } from './ranges';
import type { DwarfSections } from './sections';
import type { Unit } from './unit';
import { RangeIndex } from './unit-index';
import type { UnitTable } from './units';

/** Where in the source an instruction comes from, and the instructions of that row [start, end). */
export interface LinePlace extends AddressRange {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** From 1; 0 = unknown. */
  readonly column: number;
  /** Whether the address is a recommended place for a breakpoint. */
  readonly isStatement: boolean;
}

/** Instructions that follow each other in memory: rows [first, last], the last is the end. */
interface Sequence extends AddressRange {
  readonly program: LineProgram;
  readonly first: number;
  readonly last: number;
}

/** What the line number program of a unit gave. */
interface UnitLines {
  readonly files: LineProgram['files'];
  readonly sequences: readonly Sequence[];
}

/** All programs together make no more rows than this: more is hostile. */
const MAX_ALL_ROWS = 1 << 25;

/**
 * Which source line an instruction comes from, and which instructions a line became. Addresses are as
 * linked. The line number programs run when they are first needed: one unit's for an address, all for a
 * line.
 */
export class LineTable {
  private readonly programs = new Map<number, UnitLines>();
  private rows = 0;
  private everything: RangeIndex<Sequence> | undefined;
  private readonly sequencesOfPath = new Map<string, Sequence[]>();

  /** @param isCode tells code that is there from code that the linker left out */
  constructor(
    private readonly table: UnitTable,
    private readonly sections: DwarfSections,
    private readonly unitAt: (address: number) => Unit | undefined,
    private readonly isCode: (address: number) => boolean,
  ) {}

  /** The place that an instruction comes from; undefined when nothing is known of it. */
  lineAt(address: number): LinePlace | undefined {
    const found = this.rowAt(address);
    return found && placeOf(found.sequence, found.row);
  }

  /**
   * All instructions in [start, end) of the line that `address` is of, ascending, neighbours joined.
   * @param within the function's ranges
   */
  rangesOfLine(address: number, within: readonly AddressRange[]): readonly AddressRange[] {
    const place = this.lineAt(address);
    if (place === undefined) return [];
    const ranges: AddressRange[] = [];
    for (const { start, end } of [...within].sort((a, b) => a.start - b.start)) {
      for (const next of this.placesIn(start, end)) {
        if (next.line !== place.line || next.path !== place.path) continue;
        const last = ranges.at(-1);
        if (last?.end === next.start) ranges[ranges.length - 1] = { ...last, end: next.end };
        else ranges.push({ start: next.start, end: next.end });
      }
    }
    return ranges;
  }

  /** The places of the instructions in [start, end), ascending, cut to that range. */
  placesIn(start: number, end: number): LinePlace[] {
    const places: LinePlace[] = [];
    for (let at = start; at < end;) {
      const found = this.rowAt(at);
      if (found === undefined) break;
      const place = placeOf(found.sequence, found.row);
      const next = Math.min(rowEnd(found.sequence, found.row), end);
      if (place) places.push({ ...place, start: at, end: next });
      at = next;
    }
    return places;
  }

  /** Where the compiler says that the function's own work begins (DWARF's prologue_end). */
  prologueEnd(start: number, end: number): number | undefined {
    const { sequence, row } = this.rowAt(start) ?? {};
    if (sequence === undefined || row === undefined) return undefined;
    const { rows } = sequence.program;
    for (let at = row; at < sequence.last && rows.addresses[at] < end; at++) {
      if ((rows.flags[at] & PROLOGUE_END) !== 0) return rows.addresses[at];
    }
    return undefined;
  }

  /** All source files that code comes from, in alphabetical order. */
  files(): readonly string[] {
    this.runAll();
    return [...this.sequencesOfPath.keys()].sort();
  }

  /** MD5 of a file's content, where the program says it (DWARF 5). */
  md5(path: string): string | undefined {
    this.runAll();
    for (const { program } of this.sequencesOfPath.get(path) ?? []) {
      const md5 = program.files.find((file) => file?.path === path)?.md5;
      if (md5 !== undefined) return md5;
    }
    return undefined;
  }

  /**
   * Where the statements of a line begin, ascending; when the line has no code, those of the next line
   * that has.
   * @returns the line that was found, and the first address of each of its rows
   */
  addressesOf(path: string, line: number): { readonly line: number; readonly addresses: number[] } {
    this.runAll();
    let best = Infinity;
    let addresses: number[] = [];
    for (const { program, first, last } of this.sequencesOfPath.get(path) ?? []) {
      const { rows, files } = program;
      for (let row = first; row < last; row++) {
        const found = rows.lines[row];
        if (found < line || found > best || (rows.flags[row] & IS_STATEMENT) === 0) continue;
        if (files[rows.files[row]]?.path !== path) continue;
        if (found < best) {
          best = found;
          addresses = [];
        }
        addresses.push(rows.addresses[row]);
      }
    }
    return { line: best, addresses: [...new Set(addresses)].sort((a, b) => a - b) };
  }

  /** All lines of a file that have code, ascending. */
  linesOf(path: string): readonly number[] {
    this.runAll();
    const lines = new Set<number>();
    for (const { program, first, last } of this.sequencesOfPath.get(path) ?? []) {
      const { rows, files } = program;
      for (let row = first; row < last; row++) {
        const isStatement = (rows.flags[row] & IS_STATEMENT) !== 0;
        if (isStatement && rows.lines[row] > 0 && files[rows.files[row]]?.path === path) {
          lines.add(rows.lines[row]);
        }
      }
    }
    return [...lines].sort((a, b) => a - b);
  }

  /** The file that a unit knows by a number (DW_AT_decl_file, DW_AT_call_file). */
  fileOf(unit: Unit, number: number): string | undefined {
    return this.linesOfUnit(unit).files[number]?.path;
  }

  private rowAt(address: number): { sequence: Sequence; row: number } | undefined {
    const sequence = this.sequenceAt(address);
    if (sequence === undefined) return undefined;
    const { addresses } = sequence.program.rows;
    let low = sequence.first;
    let high = sequence.last;
    // The last row that begins at or below the address.
    while (low < high) {
      const middle = (low + high) >> 1;
      if (addresses[middle] <= address) low = middle + 1;
      else high = middle;
    }
    return low === sequence.first ? undefined : { sequence, row: statementRow(sequence, low - 1) };
  }

  private sequenceAt(address: number): Sequence | undefined {
    if (this.everything) return this.everything.find(address);
    const unit = this.unitAt(address);
    if (unit === undefined) return undefined;
    return this.linesOfUnit(unit).sequences.find(
      ({ start, end }) => address >= start && address < end,
    );
  }

  private runAll(): void {
    if (this.everything) return;
    const all: (AddressRange & { readonly owner: Sequence })[] = [];
    const seen = new Set<UnitLines>();
    for (const unit of this.table.units) {
      const lines = this.linesOfUnit(unit);
      if (seen.has(lines)) continue;
      seen.add(lines);
      for (const owner of lines.sequences) {
        all.push({ start: owner.start, end: owner.end, owner });
        for (const path of pathsOf(owner)) {
          const of = this.sequencesOfPath.get(path);
          if (of) of.push(owner);
          else this.sequencesOfPath.set(path, [owner]);
        }
      }
    }
    this.everything = new RangeIndex(all);
  }

  /** The lines of a unit; none when its program cannot be read, which is reported. */
  private linesOfUnit(unit: Unit): UnitLines {
    try {
      const { root } = unit;
      const offset = root.number(DW_AT.stmtList);
      if (offset === undefined) return NONE;
      const known = this.programs.get(offset);
      if (known) return known;
      this.programs.set(offset, NONE);
      const program = runLineProgram(this.sections.bytes('.debug_line'), offset, {
        strings: unit.context.strings,
        addressSize: unit.header.addressSize,
        directory: root.text(DW_AT.compDir) ?? '',
        name: root.text(DW_AT.name) ?? '',
      });
      this.rows += program.rows.length;
      if (this.rows > MAX_ALL_ROWS) return NONE;
      const sequences = cut(program).filter(({ start }) => this.isCode(start));
      const lines = { files: program.files, sequences };
      this.programs.set(offset, lines);
      return lines;
    } catch (error) {
      this.table.report(error);
      return NONE;
    }
  }
}

const NONE: UnitLines = { files: [], sequences: [] };

function placeOf(sequence: Sequence, row: number): LinePlace | undefined {
  const { rows, files } = sequence.program;
  const line = rows.lines[row];
  const file = files[rows.files[row]];
  if (line === 0 || file === undefined) return undefined;
  return {
    path: file.path,
    line,
    column: rows.columns[row],
    isStatement: (rows.flags[row] & IS_STATEMENT) !== 0,
    start: rows.addresses[row],
    end: rowEnd(sequence, row),
  };
}

/** Of several rows at one address the last counts, but rather one that begins a statement. */
function statementRow({ program: { rows }, first }: Sequence, row: number): number {
  for (let at = row; at >= first && rows.addresses[at] === rows.addresses[row]; at--) {
    if (rows.lines[at] === 0) break;
    if ((rows.flags[at] & IS_STATEMENT) !== 0) return at;
  }
  return row;
}

/** Where the next row begins that is not at the same address. */
function rowEnd({ program: { rows }, last }: Sequence, row: number): number {
  let next = row + 1;
  while (next < last && rows.addresses[next] <= rows.addresses[row]) next++;
  return rows.addresses[next];
}

function pathsOf({ program, first, last }: Sequence): Set<string> {
  const numbers = new Set<number>();
  for (let row = first; row < last; row++) numbers.add(program.rows.files[row]);
  const paths = [...numbers].flatMap((number) => program.files[number]?.path ?? []);
  return new Set(paths);
}

/** The sequences of a program. One whose addresses do not ascend cannot be searched and is left out. */
function cut(program: LineProgram): Sequence[] {
  const { rows } = program;
  const sequences: Sequence[] = [];
  let first = 0;
  let ascends = true;
  for (let row = 0; row < rows.length; row++) {
    if (row > first && rows.addresses[row] < rows.addresses[row - 1]) ascends = false;
    if ((rows.flags[row] & END_SEQUENCE) === 0) continue;
    const start = rows.addresses[first];
    const end = rows.addresses[row];
    if (ascends && end > start) sequences.push({ program, first, last: row, start, end });
    first = row + 1;
    ascends = true;
  }
  return sequences;
}
