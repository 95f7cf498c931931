import { CallFrameTable } from '../elf/dwarf/call-frame-section';
import { DebugInfo } from '../elf/dwarf/debug-info';
import { PT_LOAD } from '../elf/format';
import type { ElfImage } from '../elf/parse';
import { SymbolTable } from '../elf/symbols';

/** An ELF file as it lies in memory. */
export interface LoadedImage {
  /** The program's name, or the path of a shared library. */
  readonly path: string;
  readonly image: ElfImage;
  /** What is added to linked addresses. */
  readonly base: number;
}

/** What is known of one loaded file: its symbols, its source, how to unwind its functions. */
export class SourceModule {
  readonly info: DebugInfo;
  readonly frames: CallFrameTable;
  private readonly start: number;
  private readonly end: number;
  private symbolTable: SymbolTable | undefined;

  constructor(
    readonly path: string,
    private readonly image: ElfImage,
    readonly base: number,
  ) {
    const loaded = image.segments.filter(({ type }) => type === PT_LOAD);
    this.start = Math.min(...loaded.map(({ address }) => address)) + base;
    this.end = Math.max(...loaded.map(({ address, memorySize }) => address + memorySize)) + base;
    this.info = new DebugInfo(image);
    this.frames = new CallFrameTable(this.info.sections);
  }

  get symbols(): SymbolTable {
    return (this.symbolTable ??= new SymbolTable(this.image, this.base));
  }

  /** What cannot be read of the file. */
  get problems(): readonly string[] {
    return [...this.image.problems, ...this.info.problems, ...this.frames.problems];
  }

  holds(address: number): boolean {
    return address >= this.start && address < this.end;
  }
}

/** Modules that were read, by file; processes that run the same files share them. */
export type KnownModules = Map<ElfImage, SourceModule[]>;

/** The modules of a process. A file is read once, however often it is asked for. */
export class SourceModules {
  /** @param images lists what is loaded now, the program first */
  constructor(
    private readonly images: () => readonly LoadedImage[],
    private readonly known: KnownModules = new Map(),
  ) {}

  list(): readonly SourceModule[] {
    return this.images().map((loaded) => this.moduleOf(loaded));
  }

  /** The module whose code or data lies at an address. */
  at(address: number): SourceModule | undefined {
    return this.list().find((module) => module.holds(address));
  }

  private moduleOf({ path, image, base }: LoadedImage): SourceModule {
    const places = this.known.get(image) ?? [];
    this.known.set(image, places);
    let module = places.find((each) => each.base === base);
    if (!module) places.push((module = new SourceModule(path, image, base)));
    return module;
  }
}
