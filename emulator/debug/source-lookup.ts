import type { Scope } from '../elf/dwarf/functions';
import type { LinePlace } from '../elf/dwarf/line-table';
import { rangesOf, type AddressRange } from '../elf/dwarf/ranges';
import { DwarfError } from '../elf/dwarf/reader';
import type { SourceModule, SourceModules } from './source-modules';
import { nameOf } from './stack-frames';

/** Where a breakpoint on a line goes. */
export interface BreakpointLocation {
  readonly address: number;
  /** The line that has code there: the one that was asked for, or the next that has some. */
  readonly line: number;
  /** The function that holds it, and whether that is inlined there. */
  readonly symbol?: string;
  readonly inlined: boolean;
}

/** A source file that a program was made from. */
export interface SourceFileName {
  /** As the program names it. */
  readonly path: string;
  /** MD5 of its content, where the program says it. */
  readonly md5?: string;
}

/** Answers questions between source and code. Addresses are those of memory; lines count from 1. */
export class SourceLookup {
  constructor(private readonly modules: SourceModules) {}

  /** The source place that an instruction comes from; [start, end) is its row of the line table. */
  lineAt(pc: number): LinePlace | undefined {
    return this.inModule(pc, undefined, ({ info, base }) => {
      const place = info.lines.lineAt(pc - base);
      return place && { ...place, start: place.start + base, end: place.end + base };
    });
  }

  /**
   * All instructions of the line that `pc` is of, inside the function that holds `pc`: ascending,
   * neighbours joined. Empty when the line is not known.
   */
  rangesOfLine(pc: number): readonly AddressRange[] {
    return this.inModule(pc, [], ({ info, base }) => {
      const linked = pc - base;
      const entry = info.functions.functionAt(linked);
      const place = info.lines.lineAt(linked);
      const within = entry ? rangesOf(entry) : place ? [place] : [];
      return moved(info.lines.rangesOfLine(linked, within), base);
    });
  }

  /** The instructions of the function that holds `pc`, with what is inlined into it. */
  functionRanges(pc: number): readonly AddressRange[] {
    return this.inModule(pc, [], ({ info, base, symbols }) => {
      const entry = info.functions.functionAt(pc - base);
      if (entry) return moved(rangesOf(entry), base);
      const symbol = symbols.functionAt(pc)?.symbol;
      return symbol && symbol.size > 0
        ? [{ start: symbol.address, end: symbol.address + symbol.size }]
        : [];
    });
  }

  /** What is inlined at `pc`, the outermost first: the ranges of each, without the function itself. */
  inlinedRanges(pc: number): readonly (readonly AddressRange[])[] {
    return this.inModule(pc, [], ({ info, base }) =>
      info.functions
        .scopesAt(pc - base)
        .filter(({ kind }) => kind === 'inlined')
        .map(({ ranges }) => moved(ranges, base)),
    );
  }

  /** Where the function at `address` begins its own work, behind what sets up its frame. */
  bodyStart(address: number): number | undefined {
    return this.inModule(address, undefined, ({ info, base }) => {
      const entry = info.functions.functionAt(address - base);
      const start = entry && info.bodyStart(entry);
      return start === undefined ? undefined : start + base;
    });
  }

  /** All source files of all modules, in alphabetical order. */
  sources(): readonly SourceFileName[] {
    const all = new Map<string, SourceFileName>();
    for (const { info } of this.modules.list()) {
      if (!info.exists) continue;
      for (const path of info.lines.files()) {
        const md5 = info.lines.md5(path);
        all.set(path, { path, ...(md5 !== undefined && { md5 }) });
      }
    }
    return [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** The lines of a file that have code, ascending. */
  linesWithCode(path: string): readonly number[] {
    const lines = new Set<number>();
    for (const { info } of this.modules.list()) {
      if (info.exists) for (const line of info.lines.linesOf(path)) lines.add(line);
    }
    return [...lines].sort((a, b) => a - b);
  }

  /**
   * Where a breakpoint on a line goes: one address for each function, inlined copy or block that has code
   * of the line. A line without code stands for the next one that has some. A place in the code that
   * sets up a function's frame moves behind it.
   * @param file a path as the program names it, or enough of its end to tell it from the others
   */
  breakpointLocations(file: string, line: number): BreakpointLocation[] {
    const locations: BreakpointLocation[] = [];
    for (const module of this.modules.list()) {
      if (!module.info.exists) continue;
      for (const path of matching(module.info.lines.files(), file)) {
        locations.push(...locationsIn(module, path, line));
      }
    }
    const nearest = Math.min(...locations.map((each) => each.line));
    const unique = new Map(
      locations.filter((each) => each.line === nearest).map((each) => [each.address, each]),
    );
    return [...unique.values()].sort((a, b) => a.address - b.address);
  }

  /** Asks the module that holds `pc`; debugging information that cannot be read answers `otherwise`. */
  private inModule<T>(pc: number, otherwise: T, ask: (module: SourceModule) => T): T {
    const module = this.modules.at(pc);
    if (module === undefined) return otherwise;
    try {
      return ask(module);
    } catch (error) {
      if (!(error instanceof DwarfError)) throw error;
      module.info.units.report(error);
      return otherwise;
    }
  }
}

const moved = (ranges: readonly AddressRange[], by: number): AddressRange[] =>
  ranges.map(({ start, end }) => ({ start: start + by, end: end + by }));

/** Paths that a name means: itself, or those that end with it. */
function matching(paths: readonly string[], name: string): readonly string[] {
  if (paths.includes(name)) return [name];
  const tail = `/${name.replace(/^\.?\//, '')}`;
  return paths.filter((path) => `/${path}`.endsWith(tail));
}

function locationsIn(module: SourceModule, path: string, line: number): BreakpointLocation[] {
  const { info, base } = module;
  const found = info.lines.addressesOf(path, line);
  const first = new Map<unknown, BreakpointLocation>();
  for (const linked of found.addresses) {
    const scopes = info.functions.scopesAt(linked);
    // One location for each block, the first: a line's later parts are reached from there.
    const block = scopes.at(-1)?.entry ?? linked;
    if (first.has(block)) continue;
    const holder = scopes.findLast(({ kind }) => kind !== 'block');
    const address = behindPrologue(module, scopes[0], linked) + base;
    const symbol = holder && nameOf(holder);
    first.set(block, {
      address,
      line: found.line,
      ...(symbol !== undefined && { symbol }),
      inlined: holder?.kind === 'inlined',
    });
  }
  return [...first.values()];
}

function behindPrologue({ info }: SourceModule, scope: Scope | undefined, at: number): number {
  if (scope === undefined || scope.ranges[0].start > at) return at;
  const body = info.bodyStart(scope.entry);
  return body === undefined || at >= body || at < scope.ranges[0].start ? at : body;
}
