import { DwarfError, DwarfReader } from './reader';
import type { DwarfSections } from './sections';

type TextSection = '.debug_str' | '.debug_line_str';

/** Texts that overlap each other can cost no more than this many times their section. */
const MOST_OVERLAP = 8;
const ALWAYS_ALLOWED = 1 << 20;

/** Texts of .debug_str and .debug_line_str by their offsets. */
export class DwarfStrings {
  private readonly known = new Map<TextSection, Map<number, string>>();
  private readonly read = new Map<TextSection, number>();

  constructor(private readonly sections: DwarfSections) {}

  /** @throws DwarfError when no text begins there */
  at(section: TextSection, offset: number): string {
    let texts = this.known.get(section);
    if (texts === undefined) this.known.set(section, (texts = new Map<number, string>()));
    let text = texts.get(offset);
    if (text === undefined) {
      const bytes = this.sections.bytes(section);
      text = new DwarfReader(section, bytes, offset).text();
      const total = (this.read.get(section) ?? 0) + text.length;
      if (total > MOST_OVERLAP * bytes.length + ALWAYS_ALLOWED) {
        throw new DwarfError('the texts overlap each other', section, offset);
      }
      this.read.set(section, total);
      texts.set(offset, text);
    }
    return text;
  }
}
