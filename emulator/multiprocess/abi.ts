import { ERRNO } from '../linux/abi/errno';
import type { AddressSpace } from '../memory/address-space';
import { ADDRESS_LIMIT } from '../memory/layout';
import type { Vcpu } from './task';

/** System call numbers of multiprocess (guests/include/hartscope/multiprocess.h). */
export const MULTIPROCESS_CALLS = {
  multiprocess: 110,
  multiprocess_wait: 111,
  multiprocess_start: 2000,
  multiprocess_join: 2001,
  multiprocess_poll: 2002,
} as const;

export const MAX_VCPUS = 1024;

/** What a vCPU's memory is and where its stack lies; by number from 1. */
const MODES = ['shared', 'call', 'fork', 'fork-here', 'workspace'] as const;
export type Mode = (typeof MODES)[number];

/** How a vCPU ended; by number from 1. */
export const REASONS = [
  'returned',
  'exited',
  'fault',
  'illegal',
  'limit',
  'killed',
  'conflict',
  'not-started',
] as const;
export type Reason = (typeof REASONS)[number];

/** What a task is asked to be: `struct mp_options`, or the arguments of the plain call. */
export interface Options {
  readonly mode: Mode;
  readonly vcpus: number;
  readonly stackBase: number;
  readonly stackSize: number;
  readonly function: number;
  readonly data: bigint;
  /** Instructions that each vCPU may retire; 0 = as many as it wants. */
  readonly limit: number;
  readonly flags: number;
}

/**
 * `struct mp_options`, all u64. The size lets it grow: a caller that knows fewer fields has zeros in the
 * others, one that knows more must have zeros there.
 *
 * | offset | field | | offset | field |
 * |--------|-------|-|--------|-------|
 * | 0      | size  | | 40     | function |
 * | 8      | mode  | | 48     | data |
 * | 16     | vcpus | | 56     | instruction limit |
 * | 24     | stack base | | 64 | flags |
 * | 32     | stack size | |    | |
 */
const OPTIONS_WORDS = 9;
/** Enough for any later version; a larger size is a mistake. */
const MAX_OPTIONS_BYTES = 4096;
const KNOWN_FLAGS = 7n;

/** Reads `struct mp_options` from guest memory; a Linux errno when it cannot be what it should. */
export function readOptions(space: AddressSpace, address: number): Options | number {
  const size = space.readNumber64(address);
  if (size === undefined) return ERRNO.EFAULT;
  if (size < 8 * 3 || size % 8 !== 0 || size > MAX_OPTIONS_BYTES) return ERRNO.EINVAL;
  const bytes = space.read(address, size);
  if (bytes.length < size) return ERRNO.EFAULT;
  const words = [...new BigUint64Array(bytes.buffer, 0, size / 8)];
  if (words.slice(OPTIONS_WORDS).some((word) => word !== 0n)) return ERRNO.E2BIG;
  const word = (n: number): bigint => words[n] ?? 0n;
  const mode = MODES[Number(word(1)) - 1];
  const vcpus = Number(word(2));
  if (mode === undefined || vcpus < 1 || vcpus > MAX_VCPUS) return ERRNO.EINVAL;
  if ((word(8) & ~KNOWN_FLAGS) !== 0n) return ERRNO.EINVAL;
  const options = {
    mode,
    vcpus,
    stackBase: Number(word(3)),
    stackSize: Number(word(4)),
    function: Number(word(5)),
    data: word(6),
    limit: Number(word(7)),
    flags: Number(word(8)),
  };
  const needsStacks = mode === 'shared' || mode === 'fork';
  if (needsStacks && (options.stackBase === 0 || options.stackSize === 0)) return ERRNO.EINVAL;
  if ((mode === 'shared' || mode === 'call') && options.function === 0) return ERRNO.EINVAL;
  // The caller's stack: its pages are gone through one by one.
  if (!needsStacks && options.stackBase + options.stackSize > ADDRESS_LIMIT) return ERRNO.EINVAL;
  return options;
}

/**
 * `struct mp_status` for each vCPU, all u64:
 *
 * | offset | field | | offset | field |
 * |--------|-------|-|--------|-------|
 * | 0      | size  | | 40     | pc |
 * | 8      | task  | | 48     | fault address |
 * | 16     | id    | | 56     | exit code, or the signal of a fault, illegal instruction or kill |
 * | 24     | hart  | | 64     | instructions retired |
 * | 32     | reason | |       | |
 */
export const STATUS_BYTES = 72;

/** What the guest reads of vCPUs that have ended. */
export function statusBytes(vcpus: readonly Vcpu[]): Uint8Array {
  const words = new Uint32Array((STATUS_BYTES / 4) * vcpus.length);
  let at = 0;
  const put = (value: number): void => {
    words[at++] = value;
    words[at++] = Math.floor(value / 2 ** 32);
  };
  for (const { task, id, mhartid, status } of vcpus) {
    if (status === undefined) continue;
    put(STATUS_BYTES);
    put(task.id);
    put(id);
    put(mhartid);
    put(REASONS.indexOf(status.reason) + 1);
    put(status.pc);
    put(status.address);
    put(status.exitCode);
    put(status.instructions);
  }
  return new Uint8Array(words.buffer, 0, 4 * at);
}
