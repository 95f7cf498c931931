/** Builds small ELF files for tests, field by field as the gABI lays them out. */

export interface SegmentSpec {
  readonly type?: number;
  readonly flags?: number;
  readonly offset?: number;
  readonly address?: number;
  readonly content?: Uint8Array;
  readonly fileSize?: number;
  readonly memorySize?: number;
  readonly alignment?: number;
}

export interface SymbolSpec {
  readonly name: string;
  readonly value: number;
  readonly size?: number;
  /** STT_ value; a function unless given. */
  readonly type?: number;
  /** STB_ value; global unless given. */
  readonly binding?: number;
  /** Section index; 1 is `.text`. */
  readonly section?: number;
}

export interface ElfSpec {
  readonly type?: number;
  readonly machine?: number;
  readonly entry?: number;
  readonly segments: readonly SegmentSpec[];
  readonly symbols?: readonly SymbolSpec[];
  /** Address and size of the `.text` section that symbols lie in. */
  readonly text?: { readonly address: number; readonly size: number };
}

const PHDR = 56;
const EHDR = 64;
const SHDR = 64;

export function makeElf(spec: ElfSpec): Uint8Array {
  const headers = EHDR + PHDR * spec.segments.length;
  const pieces: { at: number; bytes: Uint8Array }[] = [];
  let end = Math.max(headers, 0x1000);
  const placed = spec.segments.map((segment) => {
    const content = segment.content ?? new Uint8Array(0);
    const address = segment.address ?? 0x1_0000;
    // A segment begins at the place within its page that its address has.
    const offset = segment.offset ?? Math.ceil(end / 0x1000) * 0x1000 + (address % 0x1000);
    if (content.length > 0) {
      pieces.push({ at: offset, bytes: content });
      end = Math.max(end, offset + content.length);
    }
    return { ...segment, address, offset, content };
  });
  const sections = makeSections(spec, Math.ceil(end / 8) * 8);
  const file = new Uint8Array(sections.end);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, spec.type ?? 2, true);
  view.setUint16(18, spec.machine ?? 243, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(spec.entry ?? 0x1_0000), true);
  view.setBigUint64(32, BigInt(EHDR), true);
  view.setBigUint64(40, BigInt(sections.table), true);
  view.setUint16(52, EHDR, true);
  view.setUint16(54, PHDR, true);
  view.setUint16(56, placed.length, true);
  view.setUint16(58, SHDR, true);
  view.setUint16(60, sections.count, true);
  placed.forEach((segment, i) => {
    const at = EHDR + PHDR * i;
    const size = segment.fileSize ?? segment.content.length;
    view.setUint32(at, segment.type ?? 1, true);
    view.setUint32(at + 4, segment.flags ?? 5, true);
    view.setBigUint64(at + 8, BigInt(segment.offset), true);
    view.setBigUint64(at + 16, BigInt(segment.address), true);
    view.setBigUint64(at + 24, BigInt(segment.address), true);
    view.setBigUint64(at + 32, BigInt(size), true);
    view.setBigUint64(at + 40, BigInt(segment.memorySize ?? size), true);
    view.setBigUint64(at + 48, BigInt(segment.alignment ?? 0x1000), true);
  });
  for (const { at, bytes } of pieces) file.set(bytes, at);
  sections.write(view);
  return file;
}

/** Sections: none, `.text`, the symbol table, its strings. */
function makeSections(
  { symbols, text = { address: 0x1_0000, size: 0x1000 } }: ElfSpec,
  start: number,
): { table: number; count: number; end: number; write: (view: DataView) => void } {
  if (symbols === undefined) return { table: 0, count: 0, end: start, write: () => undefined };
  const names = Buffer.from(`\0${symbols.map((s) => `${s.name}\0`).join('')}`);
  const strings = start;
  const table = Math.ceil((strings + names.length) / 8) * 8;
  const symbolsAt = table + 4 * SHDR;
  const symbolBytes = 24 * (symbols.length + 1);
  const write = (view: DataView): void => {
    new Uint8Array(view.buffer).set(names, strings);
    let name = 1;
    symbols.forEach((symbol, i) => {
      const at = symbolsAt + 24 * (i + 1);
      view.setUint32(at, name, true);
      view.setUint8(at + 4, ((symbol.binding ?? 1) << 4) | (symbol.type ?? 2));
      view.setUint16(at + 6, symbol.section ?? 1, true);
      view.setBigUint64(at + 8, BigInt(symbol.value), true);
      view.setBigUint64(at + 16, BigInt(symbol.size ?? 0), true);
      name += Buffer.byteLength(symbol.name) + 1;
    });
    const header = (
      i: number,
      type: number,
      flags: number,
      address: number,
      offset: number,
      size: number,
      link: number,
      entry: number,
    ): void => {
      const at = table + SHDR * i;
      view.setUint32(at + 4, type, true);
      view.setBigUint64(at + 8, BigInt(flags), true);
      view.setBigUint64(at + 16, BigInt(address), true);
      view.setBigUint64(at + 24, BigInt(offset), true);
      view.setBigUint64(at + 32, BigInt(size), true);
      view.setUint32(at + 40, link, true);
      view.setBigUint64(at + 56, BigInt(entry), true);
    };
    header(1, 8, 6, text.address, 0, text.size, 0, 0);
    header(2, 2, 0, 0, symbolsAt, symbolBytes, 3, 24);
    header(3, 3, 0, 0, strings, names.length, 0, 0);
  };
  return { table, count: 4, end: symbolsAt + symbolBytes, write };
}
