import type { HartState } from '../engine/hart-state';
import { ERRNO } from '../linux/abi/errno';
import { READ, WRITE, type AddressSpace } from '../memory';
import { ADDRESS_LIMIT, PAGE_SIZE } from '../memory/layout';

/** Linux's numbers of the calls that a workspace serves itself. */
const WRITE_CALL = 64;
const WRITEV_CALL = 66;
const CLOCK_GETTIME_CALL = 113;
const MUNMAP_CALL = 215;
const MMAP_CALL = 222;

const A0 = 10;
const A7 = 17;
/** Virtual time: one instruction takes a nanosecond. */
const NANOSECONDS = 1_000_000_000;
const MAP_ANONYMOUS = 0x20;
/** Where workspaces map memory: each vCPU has a window of its own here, so that mappings never meet. */
const WINDOWS_START = 0x6000_0000;
const WINDOWS_END = 0xe000_0000;
const MAX_WRITE = 1 << 20;
const MAX_PARTS = 1024;
/** What the vCPUs of a task may print in all, in equal shares. */
const MAX_OUTPUT = 256 << 20;

/** Guest memory as the calls use it; an address space is one. */
export type CallMemory = Pick<AddressSpace, 'read' | 'readNumber64' | 'writeU64'>;

/** A vCPU of a workspace task that stands at an ecall. */
export interface WorkspaceCaller {
  readonly state: HartState;
  readonly space: AddressSpace;
  readonly memory: CallMemory;
  /** Its number in the task, from 1. */
  readonly id: number;
  /** vCPUs of the task. */
  readonly vcpus: number;
  /** Bytes that it has printed so far. */
  readonly printed: number;
}

/** What a vCPU wanted printed. */
export interface Output {
  /** 1 or 2. */
  readonly descriptor: number;
  readonly bytes: Uint8Array;
}

/** What a call came to: a result for a0 and what is to be printed, or that it is none of these calls. */
export type WorkspaceOutcome =
  | { readonly kind: 'done'; readonly value: number; readonly output: readonly Output[] }
  | { readonly kind: 'other' };

/**
 * Answers the system calls that a workspace serves by itself, wherever its vCPU runs: they depend on nothing
 * but the vCPU's own state, and change nothing outside it.
 */
export function workspaceCall(caller: WorkspaceCaller): WorkspaceOutcome {
  const { state } = caller;
  switch (state.xNumber(A7)) {
    case WRITE_CALL:
      return write(caller, [{ at: state.xNumber(A0 + 1), length: state.xNumber(A0 + 2) }]);
    case WRITEV_CALL:
      return writev(caller);
    case CLOCK_GETTIME_CALL:
      return done(clock(caller));
    case MMAP_CALL:
      return done(map(caller));
    case MUNMAP_CALL:
      return done(unmap(caller));
    default:
      return { kind: 'other' };
  }
}

interface Part {
  readonly at: number;
  readonly length: number;
}

function write(caller: WorkspaceCaller, parts: readonly Part[]): WorkspaceOutcome {
  const descriptor = caller.state.xInt(A0);
  if (descriptor !== 1 && descriptor !== 2) return done(-ERRNO.EPERM);
  const output: Output[] = [];
  let total = 0;
  for (const { at, length } of parts) {
    const bytes = caller.memory.read(at, Math.min(length, MAX_WRITE));
    if (bytes.length === 0 && length > 0) {
      if (total === 0) return done(-ERRNO.EFAULT);
      break;
    }
    output.push({ descriptor, bytes });
    total += bytes.length;
  }
  if (caller.printed + total > MAX_OUTPUT / caller.vcpus) return done(-ERRNO.ENOSPC);
  return { kind: 'done', value: total, output };
}

function writev(caller: WorkspaceCaller): WorkspaceOutcome {
  const { state, memory } = caller;
  const [vector, count] = [state.xNumber(A0 + 1), state.xNumber(A0 + 2)];
  if (count > MAX_PARTS) return done(-ERRNO.EINVAL);
  const parts: Part[] = [];
  for (let i = 0; i < count; i++) {
    const at = memory.readNumber64(vector + 16 * i);
    const length = memory.readNumber64(vector + 16 * i + 8);
    if (at === undefined || length === undefined) return done(-ERRNO.EFAULT);
    parts.push({ at, length });
  }
  return write(caller, parts);
}

function clock({ state, memory }: WorkspaceCaller): number {
  const at = state.xNumber(A0 + 1);
  const time = state.instret;
  const written =
    memory.writeU64(at, Math.floor(time / NANOSECONDS)) &&
    memory.writeU64(at + 8, time % NANOSECONDS);
  return written ? 0 : -ERRNO.EFAULT;
}

/** Anonymous memory in the vCPU's window; hints and files are not taken. */
function map({ state, space, id, vcpus }: WorkspaceCaller): number {
  const length = Math.ceil(state.xNumber(A0 + 1) / PAGE_SIZE) * PAGE_SIZE;
  if ((state.xInt(A0 + 3) & MAP_ANONYMOUS) === 0) return -ERRNO.EPERM;
  if (!(length > 0 && length < ADDRESS_LIMIT)) return -ERRNO.EINVAL;
  const size = Math.floor((WINDOWS_END - WINDOWS_START) / vcpus / PAGE_SIZE) * PAGE_SIZE;
  const start = WINDOWS_START + (id - 1) * size;
  const place = space.findGap(length, start, start + size);
  if (place === 0) return -ERRNO.ENOMEM;
  space.map(place, length, READ | WRITE);
  return place;
}

function unmap({ state, space }: WorkspaceCaller): number {
  const [start, length] = [state.xNumber(A0), state.xNumber(A0 + 1)];
  const isRange =
    start % PAGE_SIZE === 0 && start > 0 && length > 0 && start + length <= ADDRESS_LIMIT;
  if (!isRange) return -ERRNO.EINVAL;
  space.unmap(start, Math.ceil(length / PAGE_SIZE) * PAGE_SIZE);
  return 0;
}

function done(value: number): WorkspaceOutcome {
  return { kind: 'done', value, output: [] };
}
