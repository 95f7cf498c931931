import { demangle } from './demangle';
import {
  PF_X,
  PT_LOAD,
  SHF_EXECINSTR,
  STB_GLOBAL,
  STB_LOCAL,
  STT_FUNC,
  STT_GNU_IFUNC,
  STT_NOTYPE,
  STT_OBJECT,
} from './format';
import type { ElfImage } from './parse';
import { PLT_SUFFIX } from './plt';
import { isDefined, type ElfSymbol } from './sections';

/** A named place of a loaded program. Addresses are where the program lies now (base added). */
export interface ProgramSymbol {
  /** As the source has it: `dot(float*, int)` for C++, whose linker symbols are mangled. */
  readonly name: string;
  /** The name in the file's symbol table; the same as `name` when it is not mangled. */
  readonly linkageName: string;
  readonly address: number;
  /** Bytes; 0 when the file does not say (hand-written assembly). */
  readonly size: number;
  readonly kind: 'function' | 'object';
}

/** An address seen from the symbol that holds it. */
export interface SymbolPlace {
  readonly symbol: ProgramSymbol;
  /** Bytes from the symbol's start. */
  readonly offset: number;
}

/** A symbol of the file. Its name is demangled when it is first asked for: most are never shown. */
class Entry implements ProgramSymbol {
  private shown: string | undefined;

  constructor(
    readonly linkageName: string,
    readonly address: number,
    readonly size: number,
    readonly kind: ProgramSymbol['kind'],
    /** The best name among those of one address has the lowest rank. */
    readonly rank: number,
    /** First address behind what the symbol names. */
    readonly end = address + size,
  ) {}

  get name(): string {
    return (this.shown ??= shownName(this.linkageName));
  }

  endingAt(end: number): Entry {
    return new Entry(this.linkageName, this.address, this.size, this.kind, this.rank, end);
  }
}

/** Finds the function (or code label) that holds an address. */
export type FunctionFinder = Pick<SymbolTable, 'functionAt'>;

/** How far an enclosing symbol is looked for behind smaller ones that begin later. */
const NESTING_LIMIT = 16;

/**
 * Finds symbols by address and by name. An address that several names share is called by the best of
 * them: functions before labels, global before local, fewer leading underscores, shorter.
 */
export class SymbolTable {
  private readonly functions: readonly Entry[];
  private readonly objects: readonly Entry[];
  private readonly names = new Map<string, Entry>();
  private mangledNames: ReadonlyMap<string, readonly Entry[]> | undefined;

  /** @param base what is added to linked addresses: 0 for an ET_EXEC program */
  constructor(image: ElfImage, base = 0) {
    const all = image.symbols.flatMap((symbol) => toEntry(image, symbol, base));
    this.functions = sortAndBound(
      all.filter((e) => e.kind === 'function'),
      codeEnds(image, base),
    );
    this.objects = sortAndBound(
      all.filter((e) => e.kind === 'object'),
      [],
    );
    for (const entry of all) {
      const known = this.names.get(entry.linkageName);
      if (known === undefined || entry.rank < known.rank) this.names.set(entry.linkageName, entry);
    }
  }

  get functionCount(): number {
    return this.functions.length;
  }

  /** The symbol of that name; the global one when a local one has the same name. */
  byName(name: string): ProgramSymbol | undefined {
    return this.names.get(name) ?? this.demangled().get(name)?.[0];
  }

  /**
   * The symbols that a name can mean, one for each address: of the file's own name the one symbol; of
   * a C++ name without parameters, like `dot`, all functions of it.
   */
  allByName(name: string): readonly ProgramSymbol[] {
    const own = this.names.get(name);
    return own === undefined ? (this.demangled().get(name) ?? []) : [own];
  }

  /** The function (or code label) that holds an address. */
  functionAt(address: number): SymbolPlace | undefined {
    return holder(this.functions, address);
  }

  /** The variable that holds an address. */
  objectAt(address: number): SymbolPlace | undefined {
    return holder(this.objects, address);
  }

  /** The first `limit` variables that begin in [start, end), in ascending order. */
  objectsFrom(start: number, end: number, limit: number): readonly ProgramSymbol[] {
    const first = below(this.objects, start);
    const last = Math.min(first + limit, below(this.objects, end));
    return this.objects.slice(first, last);
  }

  /** All functions in ascending order of address, one for each address. */
  allFunctions(): readonly ProgramSymbol[] {
    return this.functions;
  }

  /**
   * Symbols whose name, mangled or not, contains `query` (case does not matter): equal names first,
   * then names that begin with it, then the others, each in alphabetical order.
   */
  search(query: string, limit: number): readonly ProgramSymbol[] {
    const needle = query.toLowerCase();
    const ranked: { symbol: ProgramSymbol; rank: number }[] = [];
    for (const symbol of this.names.values()) {
      const { name, linkageName } = symbol;
      const place = name.toLowerCase().indexOf(needle);
      if (place < 0 && !linkageName.toLowerCase().includes(needle)) continue;
      const rank = name === query || linkageName === query ? 0 : place === 0 ? 1 : 2;
      ranked.push({ symbol, rank });
    }
    ranked.sort((a, b) => a.rank - b.rank || compareText(a.symbol.name, b.symbol.name));
    return ranked.slice(0, limit).map((r) => r.symbol);
  }

  /** The symbols of each demangled name, whole and without parameters; the best one first. */
  private demangled(): ReadonlyMap<string, readonly Entry[]> {
    return (this.mangledNames ??= indexMangled([...this.names.values()]));
  }
}

function shownName(linkageName: string): string {
  const isStub = linkageName.endsWith(PLT_SUFFIX);
  const own = isStub ? linkageName.slice(0, -PLT_SUFFIX.length) : linkageName;
  const demangled = demangle(own)?.full;
  return demangled === undefined ? linkageName : demangled + (isStub ? PLT_SUFFIX : '');
}

function indexMangled(entries: readonly Entry[]): ReadonlyMap<string, readonly Entry[]> {
  const found = new Map<string, Entry[]>();
  for (const entry of [...entries].sort((a, b) => a.rank - b.rank || a.address - b.address)) {
    const names = demangle(entry.linkageName);
    if (names === undefined) continue;
    // What a function seldom does, split off from it, is not where it begins.
    const isPart = entry.linkageName.endsWith('.cold');
    const all = isPart ? [names.full] : [names.full, names.name, names.template ?? names.name];
    for (const name of new Set(all)) {
      const others = found.get(name);
      if (others === undefined) found.set(name, [entry]);
      else if (!others.some(({ address }) => address === entry.address)) others.push(entry);
    }
  }
  return found;
}

/** `main+0x10`, or the bare address when no function holds it. */
export function describeAddress(symbols: FunctionFinder | undefined, address: number): string {
  const place = symbols?.functionAt(address);
  const number = `0x${address.toString(16)}`;
  if (place === undefined) return number;
  const offset = place.offset === 0 ? '' : `+0x${place.offset.toString(16)}`;
  return `${number} <${place.symbol.name}${offset}>`;
}

function toEntry(image: ElfImage, symbol: ElfSymbol, base: number): Entry[] {
  if (!isDefined(symbol) || symbol.name === '' || isMarker(symbol.name)) return [];
  const kind = kindOf(image, symbol);
  if (kind === undefined) return [];
  const address = symbol.value + base;
  if (!Number.isSafeInteger(address) || !Number.isSafeInteger(address + symbol.size)) return [];
  const { name, size } = symbol;
  return [new Entry(name, address, size, kind, rankOf(symbol))];
}

/** Mapping symbols (`$x`, `$d`; psABI) and assembler-local labels name no function. */
function isMarker(name: string): boolean {
  return name.startsWith('$') || name.startsWith('.L');
}

function kindOf(image: ElfImage, symbol: ElfSymbol): ProgramSymbol['kind'] | undefined {
  switch (symbol.type) {
    case STT_FUNC:
    case STT_GNU_IFUNC:
      return 'function';
    case STT_OBJECT:
      return 'object';
    case STT_NOTYPE:
      return isCode(image, symbol) ? 'function' : 'object';
    default:
      return undefined;
  }
}

function isCode(image: ElfImage, symbol: ElfSymbol): boolean {
  const section = image.sections[symbol.section];
  return section?.index === symbol.section && (section.flags & SHF_EXECINSTR) !== 0;
}

function rankOf(symbol: ElfSymbol): number {
  const underscores = /^_*/.exec(symbol.name)?.[0].length ?? 0;
  const label = symbol.type === STT_NOTYPE ? 1 : 0;
  const binding = symbol.binding === STB_GLOBAL ? 0 : symbol.binding === STB_LOCAL ? 2 : 1;
  return label * 1e9 + binding * 1e8 + Math.min(underscores, 99) * 1e6 + symbol.name.length;
}

/** Ends of the stretches of code, ascending: a label without a size reaches no further. */
function codeEnds(image: ElfImage, base: number): number[] {
  const sections = image.sections.filter((s) => (s.flags & SHF_EXECINSTR) !== 0);
  const ends =
    sections.length > 0
      ? sections.map((s) => s.address + s.size + base)
      : image.segments
          .filter((s) => s.type === PT_LOAD && (s.flags & PF_X) !== 0)
          .map((s) => s.address + s.memorySize + base);
  return ends.sort((a, b) => a - b);
}

/** One entry for each address, ascending; an entry without a size ends where the next one begins. */
function sortAndBound(entries: Entry[], ends: readonly number[]): Entry[] {
  entries.sort(
    (a, b) => a.address - b.address || a.rank - b.rank || compareText(a.linkageName, b.linkageName),
  );
  const unique: Entry[] = [];
  for (const entry of entries) {
    if (unique.at(-1)?.address !== entry.address) unique.push(entry);
  }
  let nextEnd = 0;
  return unique.map((entry, i) => {
    if (entry.size > 0) return entry;
    while (nextEnd < ends.length && (ends[nextEnd] ?? 0) <= entry.address) nextEnd++;
    const end = Math.min(unique[i + 1]?.address ?? Infinity, ends[nextEnd] ?? entry.address + 1);
    return entry.endingAt(end);
  });
}

/** How many entries begin below an address. */
function below(entries: readonly Entry[], address: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.address ?? 0) < address) low = middle + 1;
    else high = middle;
  }
  return low;
}

function holder(entries: readonly Entry[], address: number): SymbolPlace | undefined {
  const low = below(entries, address + 1);
  for (let i = low - 1; i >= 0 && i >= low - NESTING_LIMIT; i--) {
    const entry = entries[i];
    if (entry !== undefined && address < entry.end) {
      return { symbol: entry, offset: address - entry.address };
    }
  }
  return undefined;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
