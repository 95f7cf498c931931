import type { LoadedProgram } from '../elf/load';
import { EXECUTE, READ, WRITE, type AddressSpace } from '../memory/address-space';
import { PAGE_SIZE } from '../memory/layout';
import { ERRNO } from './abi/errno';
import { encodeText } from './guest-memory';
import { GUEST_HWCAP } from './identity';

/** The stack ends here: the highest 64 KiB of the guest's 4 GiB stay unmapped. */
export const STACK_TOP = 0xffff_0000;

/** Where the vDSO lies: alone in the 64 KiB above the main stack, as the code that ends signal handlers. */
export const VDSO = STACK_TOP + 4 * PAGE_SIZE;

/** Longest single string and all strings with their pointers together (fs/exec.c). */
const MAX_ARG_STRLEN = 32 * PAGE_SIZE;
const MAX_ARG_BYTES = 2 * 1024 * 1024;

/** Types of auxiliary vector entries (include/uapi/linux/auxvec.h). */
export const AT = {
  NULL: 0,
  PHDR: 3,
  PHENT: 4,
  PHNUM: 5,
  PAGESZ: 6,
  BASE: 7,
  FLAGS: 8,
  ENTRY: 9,
  UID: 11,
  EUID: 12,
  GID: 13,
  EGID: 14,
  HWCAP: 16,
  CLKTCK: 17,
  SECURE: 23,
  RANDOM: 25,
  EXECFN: 31,
  SYSINFO_EHDR: 33,
} as const;

/** A program that cannot be started, with the error that execve would give. */
export class ProgramStartError extends Error {
  override readonly name = 'ProgramStartError';

  constructor(
    readonly errno: number,
    message: string,
  ) {
    super(message);
  }
}

export interface StackRequest {
  readonly program: LoadedProgram;
  /** Where the dynamic linker lies (AT_BASE) [0: there is none]. */
  readonly interpreterBase?: number;
  readonly args: readonly string[];
  /** `NAME=value` strings. */
  readonly environment: readonly string[];
  /** Path of the program (AT_EXECFN). */
  readonly path: string;
  /** Bytes of the stack. */
  readonly size: number;
  readonly executable: boolean;
  readonly user: number;
  readonly group: number;
  /** 16 bytes that AT_RANDOM points to. */
  readonly random: Uint8Array;
}

export interface MainStack {
  /** Stack pointer at the entry: argc lies there. */
  readonly sp: number;
  /** Lowest address of the stack; the page below is a guard page. */
  readonly bottom: number;
  /** The auxiliary vector, as /proc/self/auxv shows it. */
  readonly auxiliary: Uint8Array;
}

/** Where the stack of `size` bytes begins: its guard page. Nothing else may be mapped from here on. */
export function stackLimit(size: number): number {
  return STACK_TOP - Math.ceil(size / PAGE_SIZE) * PAGE_SIZE - PAGE_SIZE;
}

/**
 * Maps the main stack and puts the arguments on it, as Linux's create_elf_tables does. From high to low:
 *
 *     8 zero bytes; path; environment strings; argument strings; 16 random bytes; padding to 16
 *     auxiliary vector (type, value) … (AT_NULL, 0)
 *     pointers to the environment …, 0
 *     pointers to the arguments …, 0
 *     argc                                      ← sp, a multiple of 16
 *
 * @throws ProgramStartError with E2BIG when the strings are too long
 */
export function buildStack(space: AddressSpace, request: StackRequest): MainStack {
  const strings = encodeStrings(request);
  const guard = stackLimit(request.size);
  const bottom = guard + PAGE_SIZE;
  space.map(guard, PAGE_SIZE, 0, { guard: true });
  const execute = request.executable ? EXECUTE : 0;
  space.map(bottom, STACK_TOP - bottom, READ | WRITE | execute);

  let at = STACK_TOP - 8;
  const put = (bytes: Uint8Array): number => {
    at -= bytes.length;
    writeAll(space, at, bytes);
    return at;
  };
  const putAll = (list: readonly Uint8Array[]): number[] => list.map(put);
  const path = put(strings.path);
  const environment = putAll([...strings.environment].reverse()).reverse();
  const args = putAll([...strings.args].reverse()).reverse();
  const random = put(request.random);

  const auxiliary = auxiliaryVector(request, path, random);
  const words = [args.length, ...args, 0, ...environment, 0, ...auxiliary.flat()];
  const sp = Math.floor((at - 8 * words.length) / 16) * 16;
  writeAll(space, sp, wordBytes(words));
  return { sp, bottom, auxiliary: wordBytes(auxiliary.flat()) };
}

function wordBytes(words: readonly number[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(words, BigInt).buffer);
}

function writeAll(space: AddressSpace, address: number, bytes: Uint8Array): void {
  if (space.write(address, bytes) < bytes.length) {
    throw new ProgramStartError(
      ERRNO.ENOMEM,
      'the memory limit leaves no room for the stack: choose a larger one',
    );
  }
}

function encodeStrings({ args, environment, path, size }: StackRequest): {
  args: Uint8Array[];
  environment: Uint8Array[];
  path: Uint8Array;
} {
  const limit = Math.min(MAX_ARG_BYTES, Math.floor(size / 4));
  let total = 0;
  const encode = (text: string): Uint8Array => {
    const bytes = encodeText(`${text}\0`);
    total += bytes.length + 8;
    if (bytes.length > MAX_ARG_STRLEN) {
      throw new ProgramStartError(
        ERRNO.E2BIG,
        `an argument or environment string has ${bytes.length} bytes: ${MAX_ARG_STRLEN} is the most`,
      );
    }
    if (total > limit) {
      throw new ProgramStartError(
        ERRNO.E2BIG,
        `the arguments and the environment need more than ${limit} bytes: pass less, or use a file`,
      );
    }
    return bytes;
  };
  return { path: encode(path), args: args.map(encode), environment: environment.map(encode) };
}

function auxiliaryVector(
  { program, interpreterBase = 0, user, group }: StackRequest,
  path: number,
  random: number,
): [number, number][] {
  return [
    [AT.SYSINFO_EHDR, VDSO],
    [AT.HWCAP, GUEST_HWCAP],
    [AT.PAGESZ, PAGE_SIZE],
    [AT.CLKTCK, 100],
    [AT.PHDR, program.programHeaders],
    [AT.PHENT, program.programHeaderSize],
    [AT.PHNUM, program.programHeaderCount],
    [AT.BASE, interpreterBase],
    [AT.FLAGS, 0],
    [AT.ENTRY, program.entry],
    [AT.UID, user],
    [AT.EUID, user],
    [AT.GID, group],
    [AT.EGID, group],
    [AT.SECURE, 0],
    [AT.RANDOM, random],
    [AT.EXECFN, path],
    [AT.NULL, 0],
  ];
}
