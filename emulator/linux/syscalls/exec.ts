import { parseElf, type ElfImage } from '../../elf/parse';
import { ElfError } from '../../elf/reader';
import { AddressSpace } from '../../memory/address-space';
import { OutOfMemory } from '../../memory/errors';
import { ERRNO } from '../abi/errno';
import { SyscallError, type Call, type SyscallHandlers, type SyscallResult } from '../call';
import type { FileNode } from '../files/node';
import { LinkNode } from '../files/node';
import { AT_FDCWD } from '../files/process-files';
import { MAY_EXECUTE } from '../files/tree';
import type { LinuxKernel } from '../kernel';
import { ProcessMemory } from '../process-memory';
import { ProgramStartError } from '../process-start';
import { startProgram, type ProgramRequest } from '../program-start';
import { leaveMemory } from '../robust-futexes';

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
/** Most pointers and bytes of arguments and environment together (fs/exec.c). */
const MOST_STRINGS = 1 << 17;
const LONGEST_STRING = 32 * 4096;
/** Scripts that are interpreters of scripts. */
const MOST_SCRIPTS = 5;
/** Bytes of a script's first line that are looked at (BINPRM_BUF_SIZE). */
const LINE_BYTES = 256;

/** A file that is to be run, and what it gets. */
interface Program {
  readonly path: string;
  readonly node: FileNode;
  readonly args: readonly string[];
}

/** A NULL-terminated array of strings; NULL itself is an empty one, as on Linux. */
function readStrings(call: Call, address: number): string[] {
  const { memory } = call.kernel;
  const strings: string[] = [];
  if (address === 0) return strings;
  for (let at = address; ; at += 8) {
    const pointer = memory.u64(at);
    if (pointer === 0n) return strings;
    if (strings.length === MOST_STRINGS) throw new SyscallError(ERRNO.E2BIG, 'too many strings');
    strings.push(readString(call, Number(pointer)));
  }
}

function readString({ kernel }: Call, address: number): string {
  try {
    return kernel.memory.cString(address, LONGEST_STRING);
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ERRNO.ENAMETOOLONG) {
      throw new SyscallError(ERRNO.E2BIG, 'an argument is too long');
    }
    throw error;
  }
}

/** The interpreter and its argument that a script's first line names; undefined when this is no script. */
function scriptLine(bytes: Uint8Array): { interpreter: string; argument?: string } | undefined {
  if (bytes[0] !== 0x23 || bytes[1] !== 0x21) return undefined;
  const head = new TextDecoder().decode(bytes.subarray(2, LINE_BYTES));
  const line = (head.split('\n')[0] ?? '').replace(/^[ \t]+|[ \t\0]+$/g, '');
  const [, interpreter = '', argument] = /^([^ \t\0]+)(?:[ \t]+([^\0]*))?/.exec(line) ?? [];
  if (interpreter === '') throw new SyscallError(ERRNO.ENOEXEC, 'the script names no interpreter');
  return { interpreter, ...(argument !== undefined && argument !== '' && { argument }) };
}

/** A regular file that the process may run. */
function checkRunnable({ files, view }: LinuxKernel, node: FileNode, path: string): void {
  if (node.kind !== 'file') throw new SyscallError(ERRNO.EACCES, `${path} is no regular file`);
  files.tree.check(view, node, MAY_EXECUTE);
}

/** Follows scripts to the program that runs them. */
function findProgram(kernel: LinuxKernel, first: Program): { program: Program; image: ElfImage } {
  let program = first;
  for (let scripts = 0; ; scripts++) {
    checkRunnable(kernel, program.node, program.path);
    const bytes = kernel.files.readNode(program.node, program.path);
    const line = scriptLine(bytes);
    if (!line) return { program, image: parseProgram(kernel, bytes) };
    if (scripts === MOST_SCRIPTS) throw new SyscallError(ERRNO.ELOOP, 'too many scripts');
    const { interpreter, argument } = line;
    program = {
      path: interpreter,
      node: kernel.files.existing(AT_FDCWD, interpreter),
      args: [
        interpreter,
        ...(argument === undefined ? [] : [argument]),
        program.path,
        ...program.args.slice(1),
      ],
    };
  }
}

function parseProgram(kernel: LinuxKernel, bytes: Uint8Array): ElfImage {
  let image: ElfImage;
  try {
    image = parseElf(bytes);
  } catch (error) {
    if (error instanceof ElfError) throw new SyscallError(ERRNO.ENOEXEC, error.message);
    throw error;
  }
  if (image.interpreter !== undefined) kernel.files.existing(AT_FDCWD, image.interpreter);
  return image;
}

/** Loads a program into memory of its own. Nothing of the process has changed when it cannot be. */
function load(kernel: LinuxKernel, request: ProgramRequest): ProcessMemory {
  const space = AddressSpace.create(kernel.space.arena, { tables: false });
  try {
    const memory = new ProcessMemory(space);
    startProgram(kernel, memory, request);
    return memory;
  } catch (error) {
    space.destroy();
    throw refusal(error);
  }
}

function refusal(error: unknown): unknown {
  if (error instanceof ProgramStartError) return new SyscallError(error.errno, error.message);
  if (error instanceof OutOfMemory) return new SyscallError(ERRNO.ENOMEM, error.message);
  if (error instanceof ElfError) return new SyscallError(ERRNO.ENOEXEC, error.message);
  return error;
}

/** The process runs another program: everything but its id, files, and what it ignores or blocks is new. */
function execute(call: Call, first: Program, environment: readonly string[]): SyscallResult {
  const { kernel, thread, hart } = call;
  if (!thread.takesShared) {
    kernel.log('execve: a vCPU of multiprocess runs no other program');
    return -ERRNO.EAGAIN;
  }
  const { program, image } = findProgram(kernel, first);
  const { path, node, args } = program;
  const memory = load(kernel, { image, path, node, args, environment });
  for (const other of kernel.listThreads()) leaveMemory(kernel, other);
  const state = kernel.replaceProgram(memory, thread);
  const start = memory.start!;
  state.clearRegisters();
  state.pc = start.pc;
  state.setX(SP, BigInt(start.sp));
  // Another thread than the first one has called: its hart is over.
  return state === hart ? { kind: 'done', pcSet: true } : { kind: 'thread-ended' };
}

const SP = 2;

function execve(call: Call): SyscallResult {
  const { files, memory } = call.kernel;
  const path = memory.cString(call.number(0));
  const args = readArguments(call, 1);
  const environment = readStrings(call, call.number(2));
  return execute(call, { path, node: files.existing(AT_FDCWD, path), args }, environment);
}

/** A program has at least one argument (fs/exec.c). */
function readArguments(call: Call, index: number): string[] {
  const args = readStrings(call, call.number(index));
  return args.length === 0 ? [''] : args;
}

function execveat(call: Call): SyscallResult {
  const { files, memory, descriptors } = call.kernel;
  const flags = call.uint(4);
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return -ERRNO.EINVAL;
  const path = memory.cString(call.number(1));
  const fd = call.int(0);
  const args = readArguments(call, 2);
  const environment = readStrings(call, call.number(3));
  if (path === '') {
    if ((flags & AT_EMPTY_PATH) === 0) return -ERRNO.ENOENT;
    const node = descriptors.file(fd).node;
    if (!node) return -ERRNO.EACCES;
    return execute(call, { path: `/dev/fd/${fd}`, node, args }, environment);
  }
  const followLast = (flags & AT_SYMLINK_NOFOLLOW) === 0;
  const node = files.existing(fd, path, { followLast });
  if (node instanceof LinkNode) return -ERRNO.ELOOP;
  const isPlain = fd === AT_FDCWD || path.startsWith('/');
  const shown = isPlain ? path : `/dev/fd/${fd}/${path}`;
  return execute(call, { path: shown, node, args }, environment);
}

/** Running another program (execve(2)). */
export const execCalls: SyscallHandlers = { execve, execveat };
