import { loadElf, type LoadedProgram } from '../elf/load';
import { parseElf, type ElfImage } from '../elf/parse';
import { ElfError } from '../elf/reader';
import type { AddressSpace } from '../memory/address-space';
import { PAGE_SIZE } from '../memory/layout';
import { SyscallError } from './call';
import type { FileMappings } from './file-mappings';
import type { FileNode } from './files/node';
import { AT_FDCWD, type ProcessFiles } from './files/process-files';
import { PT_LOAD } from '../elf/format';

/** A program in memory, with its dynamic linker when it has one. */
export interface ProcessImage {
  readonly program: LoadedProgram;
  readonly interpreter: LoadedProgram | undefined;
  /** Where the process begins: in the dynamic linker when there is one. */
  readonly entry: number;
}

interface ImageRequest {
  readonly space: AddressSpace;
  readonly files: ProcessFiles;
  readonly mappings: FileMappings;
  readonly image: ElfImage;
  readonly path: string;
  readonly node: FileNode | undefined;
  /** Nothing is loaded from here on. */
  readonly limit: number;
}

/**
 * Loads a program, and for a dynamic one the linker that PT_INTERP names, which lies below the stack as with
 * Linux.
 * @throws ElfError with what cannot be loaded
 */
export function loadImage(request: ImageRequest): ProcessImage {
  const { space, image, limit } = request;
  const program = loadElf(image, space, { limit });
  note(request, image, program, request.path, request.node);
  if (image.interpreter === undefined) {
    return { program, interpreter: undefined, entry: program.entry };
  }
  const { node, linker } = readInterpreter(request, image.interpreter);
  const base = linker.type === 'exec' ? 0 : baseFor(linker, space, limit);
  const interpreter = loadElf(linker, space, { base, limit });
  note(request, linker, interpreter, image.interpreter, node);
  return { program, interpreter, entry: interpreter.entry };
}

function readInterpreter(
  { files }: ImageRequest,
  path: string,
): { node: FileNode; linker: ElfImage } {
  try {
    const node = files.existing(AT_FDCWD, path);
    return { node, linker: parseElf(files.readFile(path)) };
  } catch (error) {
    if (error instanceof SyscallError) {
      throw new ElfError(
        `the program is dynamic and needs ${path}, which the guest's files do not have: ` +
          'give a folder with its libraries as the root (--root)',
      );
    }
    if (error instanceof ElfError) {
      throw new ElfError(`the dynamic linker ${path} cannot be used: ${error.message}`);
    }
    throw error;
  }
}

/** The highest place for the linker. */
function baseFor(linker: ElfImage, space: AddressSpace, limit: number): number {
  const loads = linker.segments.filter(({ type }) => type === PT_LOAD);
  const first = loads.reduce((least, { address }) => Math.min(least, address), Infinity);
  const end = loads.reduce((most, s) => Math.max(most, s.address + s.memorySize), 0);
  const alignment = loads.reduce((most, s) => Math.max(most, s.alignment), PAGE_SIZE);
  const gap = space.findGap(end - first + alignment, PAGE_SIZE, limit);
  return gap === 0 ? PAGE_SIZE : gap;
}

/** The segments as /proc/self/maps shows them. */
function note(
  { mappings }: ImageRequest,
  image: ElfImage,
  program: LoadedProgram,
  path: string,
  node: FileNode | undefined,
): void {
  const loads = image.segments.filter((s) => s.type === PT_LOAD && s.memorySize > 0);
  const { inode = 0, fileSystem = 0 } = node?.status() ?? {};
  for (const { address, offset, fileSize } of loads) {
    if (fileSize === 0) continue;
    const start = program.base + address - (address % PAGE_SIZE);
    const end = Math.ceil((program.base + address + fileSize) / PAGE_SIZE) * PAGE_SIZE;
    const from = offset - (address % PAGE_SIZE);
    mappings.add({ start, end, offset: from, path, device: fileSystem, inode });
  }
}
