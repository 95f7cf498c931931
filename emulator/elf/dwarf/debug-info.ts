import { PF_X, PT_LOAD } from '../format';
import type { ElfImage } from '../parse';
import type { Entry } from './entry';
import { FunctionIndex } from './functions';
import { GlobalIndex } from './globals';
import { LineTable } from './line-table';
import { rangesOf, type AddressRange } from './ranges';
import { DwarfSections } from './sections';
import { TypeReader } from './type-reader';
import type { Unit } from './unit';
import { indexUnits, type RangeIndex } from './unit-index';
import { UnitTable } from './units';

/** Where the build id begins in its note: behind three words and the name "GNU". */
const BUILD_ID = 16;

/**
 * What a file's debugging information (DWARF 2 to 5) says about its code and data. Addresses are as
 * linked. Making one reads nothing; each part is read when it is first needed, and what cannot be read is
 * left out and told in `problems`.
 */
export class DebugInfo {
  readonly sections: DwarfSections;
  private unitTable: UnitTable | undefined;
  private unitIndex: RangeIndex<Unit> | undefined;
  private lineTable: LineTable | undefined;
  private functionIndex: FunctionIndex | undefined;
  private typeReader: TypeReader | undefined;
  private globalIndex: GlobalIndex | undefined;

  constructor(private readonly image: ElfImage) {
    this.sections = new DwarfSections(image);
  }

  /** Whether the file has source lines or functions at all. */
  get exists(): boolean {
    return this.sections.has('.debug_info');
  }

  /**
   * The file that should hold the debugging information when this one does not: the name in
   * .gnu_debuglink, or the build id.
   */
  get separateFile(): string | undefined {
    const link = this.sections.bytes('.gnu_debuglink');
    const end = link.indexOf(0);
    if (end > 0) return new TextDecoder().decode(link.subarray(0, end));
    const note = this.sections.bytes('.note.gnu.build-id');
    if (note.length <= BUILD_ID || this.exists) return undefined;
    const id = [...note.subarray(BUILD_ID)];
    return `build id ${id.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  }

  /** What could not be read so far. */
  get problems(): readonly string[] {
    return this.unitTable?.problems ?? [];
  }

  get units(): UnitTable {
    return (this.unitTable ??= new UnitTable(this.sections));
  }

  get lines(): LineTable {
    return (this.lineTable ??= new LineTable(
      this.units,
      this.sections,
      (address) => this.unitAt(address),
      (address) => this.isCode(address),
    ));
  }

  get functions(): FunctionIndex {
    return (this.functionIndex ??= new FunctionIndex(this.units, (address) =>
      this.unitAt(address),
    ));
  }

  get types(): TypeReader {
    return (this.typeReader ??= new TypeReader(this.units));
  }

  get globals(): GlobalIndex {
    return (this.globalIndex ??= new GlobalIndex(this.units));
  }

  /** The unit that an address is of. */
  unitAt(address: number): Unit | undefined {
    this.unitIndex ??= indexUnits(this.units);
    return this.isCode(address) ? this.unitIndex.find(address) : undefined;
  }

  /**
   * Where a function's own work begins, after it has set up its frame: where a breakpoint on the function
   * should be. As gdb finds it: what the compiler marked, else the second row of its lines; the very
   * beginning when the compiler tracked where variables are meanwhile.
   */
  bodyStart(entry: Entry): number | undefined {
    let start = this.bodyStarts.get(entry);
    if (start === undefined && (start = this.findBodyStart(entry)) !== undefined) {
      this.bodyStarts.set(entry, start);
    }
    return start;
  }

  /** Whether a function whose variables have one place each sets up its frame at an address. */
  isSettingUp(entry: Entry, address: number): boolean {
    if (address >= (this.bodyStart(entry) ?? 0) || entry.unit.tracksLocations) return false;
    const [range] = rangesOf(entry);
    return address >= range.start;
  }

  /** Conditions ask at each of their hits. */
  private readonly bodyStarts = new WeakMap<Entry, number>();

  private findBodyStart(entry: Entry): number | undefined {
    const [range] = rangesOf(entry);
    if (range === undefined) return undefined;
    const { start, end } = range;
    const marked = this.lines.prologueEnd(start, end);
    if (marked !== undefined) return marked;
    if (entry.unit.tracksLocations) return start;
    const [, second] = this.lines.placesIn(start, end);
    return second?.start ?? start;
  }

  /** Whether code of the file lies at an address: the linker puts what it leaves out elsewhere. */
  private isCode(address: number): boolean {
    return this.codeRanges.some(({ start, end }) => address >= start && address < end);
  }

  private get codeRanges(): readonly AddressRange[] {
    return (this.code ??= this.image.segments
      .filter(({ type, flags }) => type === PT_LOAD && (flags & PF_X) !== 0)
      .map(({ address, memorySize }) => ({ start: address, end: address + memorySize })));
  }
  private code: readonly AddressRange[] | undefined;
}
