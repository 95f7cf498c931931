import type { LoadedImage } from './debug/source-modules';
import { PT_LOAD } from './elf/format';
import { parseElf, type ElfImage } from './elf/parse';
import { ElfError } from './elf/reader';
import { SyscallError } from './linux/call';
import type { LinuxKernel } from './linux/kernel';
import { PAGE_SIZE } from './memory/layout';

/**
 * The ELF files of a process that lie in its memory: its program, the dynamic linker and shared libraries, as
 * its file mappings tell. Each file is read once.
 */
export class LoadedImages {
  /** @param files what was read for other processes, by path; undefined: not an ELF file, or not to be read */
  constructor(
    private readonly kernel: LinuxKernel,
    private readonly files: Map<string, ElfImage | undefined>,
  ) {}

  list(): readonly LoadedImage[] {
    const { start, mappings } = this.kernel.processMemory;
    if (!start) return [];
    const { image, program } = start;
    const { path } = this.kernel.started;
    const found: LoadedImage[] = [{ path, image, base: program.base }];
    const seen = new Set([path]);
    for (const mapping of mappings.list()) {
      if (seen.has(mapping.path) || mapping.offset !== 0) continue;
      seen.add(mapping.path);
      const library = this.read(mapping.path);
      const first = library?.segments.find(({ type }) => type === PT_LOAD);
      if (library === undefined || first === undefined) continue;
      const base = mapping.start - (first.address - (first.address % PAGE_SIZE));
      found.push({ path: mapping.path, image: library, base });
    }
    return found;
  }

  private read(path: string): ElfImage | undefined {
    if (!this.files.has(path)) this.files.set(path, this.parse(path));
    return this.files.get(path);
  }

  private parse(path: string): ElfImage | undefined {
    try {
      return parseElf(this.kernel.files.readFile(path));
    } catch (error) {
      // A data file that is mapped, or one that has gone since.
      if (error instanceof ElfError || error instanceof SyscallError) return undefined;
      throw error;
    }
  }
}
