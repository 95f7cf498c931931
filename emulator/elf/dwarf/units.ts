import type { Entry } from './entry';
import { DwarfError, DwarfReader } from './reader';
import type { DwarfSections } from './sections';
import { DwarfStrings } from './strings';
import { readUnitHeader, Unit, type UnitContext } from './unit';

const MAX_PROBLEMS = 20;

/** All units of a file. Only their headers are read at first. */
export class UnitTable {
  /** Units of .debug_info in ascending order of their offsets. */
  readonly units: readonly Unit[];
  /** What could not be read. */
  readonly problems: string[] = [];
  private readonly types = new Map<bigint, Unit>();

  constructor(sections: DwarfSections) {
    const context: UnitContext = {
      sections,
      strings: new DwarfStrings(sections),
      entryAt: (offset) => this.unitAt(offset).entryAt(offset),
      typeOf: (signature) => this.typeOf(signature),
    };
    this.units = this.readSection(context, '.debug_info');
    for (const unit of [...this.units, ...this.readSection(context, '.debug_types')]) {
      const { signature } = unit.header;
      if (signature !== undefined) this.types.set(signature, unit);
    }
  }

  report(error: unknown): void {
    if (!(error instanceof DwarfError)) throw error;
    const { message } = error;
    if (this.problems.length < MAX_PROBLEMS && !this.problems.includes(message)) {
      this.problems.push(message);
    }
  }

  private readSection(
    context: UnitContext,
    section: '.debug_info' | '.debug_types',
  ): readonly Unit[] {
    const units: Unit[] = [];
    try {
      const reader = new DwarfReader(section, context.sections.bytes(section));
      while (!reader.done) {
        const header = readUnitHeader(reader, section);
        if (header instanceof DwarfError) this.report(header);
        else units.push(new Unit(header, context));
      }
    } catch (error) {
      this.report(error);
    }
    return units;
  }

  /** The unit that holds an offset, by binary search. */
  private unitAt(offset: number): Unit {
    let low = 0;
    let high = this.units.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.units[middle].header.offset <= offset) low = middle + 1;
      else high = middle;
    }
    const unit = this.units.at(low - 1);
    if (low === 0 || unit === undefined || offset >= unit.header.end) {
      throw new DwarfError('no unit is here', '.debug_info', offset);
    }
    return unit;
  }

  private typeOf(signature: bigint): Entry {
    const unit = this.types.get(signature);
    if (unit === undefined) {
      throw new DwarfError(`no type unit has the signature 0x${signature.toString(16)}`, '', 0);
    }
    const { offset, typeOffset = 0 } = unit.header;
    return unit.entryAt(offset + typeOffset);
  }
}
