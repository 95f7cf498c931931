import type { ElfImage } from '../elf/parse';
import { EXECUTE, READ, WRITE } from '../memory/address-space';
import type { FileNode } from './files/node';
import type { LinuxKernel } from './kernel';
import { loadImage } from './process-image';
import type { ProcessMemory, ProcessStart } from './process-memory';
import { buildStack, STACK_TOP, stackLimit } from './process-start';
import { mapTrampoline } from './signal-trampoline';
import { mapVdso } from './vdso';
import { PF_W, PF_X, PT_LOAD } from '../elf/format';

/** Space between the stack and the mappings below it (the kernel's stack_guard_gap). */
const STACK_GAP = 1 << 20;
const RANDOM_BYTES = 16;

/** A program that is to be loaded. */
export interface ProgramRequest {
  readonly image: ElfImage;
  /** Path in the guest. */
  readonly path: string;
  readonly node: FileNode | undefined;
  /** argv, argv[0] included. */
  readonly args: readonly string[];
  /** `NAME=value` strings. */
  readonly environment: readonly string[];
}

/** The name of a process: the end of its path, as `comm` has it. */
export function programName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).slice(0, 15);
}

/**
 * Loads a program into empty memory and builds its stack.
 * @param kernel of the process that is to run it
 * @throws ElfError when the program cannot be loaded, ProgramStartError when the arguments are too long
 */
export function startProgram(
  kernel: LinuxKernel,
  memory: ProcessMemory,
  { image, path, node, args, environment }: ProgramRequest,
): ProcessStart {
  const { files, user, group } = kernel;
  const { space, mappings } = memory;
  const size = kernel.limits.stackSize;
  const limit = stackLimit(size) - STACK_GAP;
  const loaded = loadImage({ space, files, mappings, image, path, node, limit });
  const { program, interpreter, entry } = loaded;
  memory.areas.begin(program.end, limit);
  mapTrampoline(space);
  mapVdso(space, kernel.clock.realtime() - kernel.clock.monotonic());
  const stack = buildStack(space, {
    program,
    ...(interpreter && { interpreterBase: interpreter.base }),
    args,
    environment,
    path,
    size,
    executable: image.executableStack,
    user,
    group,
    random: kernel.randomBytes(RANDOM_BYTES),
  });
  if (image.executableStack) memory.noteProtection(READ | WRITE | EXECUTE);
  for (const { type, flags } of image.segments) {
    if (type === PT_LOAD && (flags & PF_W) !== 0 && (flags & PF_X) !== 0) {
      memory.noteProtection(WRITE | EXECUTE);
    }
  }
  memory.started = { path, node, args, environment, auxiliary: stack.auxiliary };
  memory.start = {
    pc: entry,
    sp: stack.sp,
    image,
    program,
    ...(interpreter && { interpreter }),
    stack: { bottom: stack.bottom, top: STACK_TOP },
  };
  return memory.start;
}
