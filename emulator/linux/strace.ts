import { ERRNO, errnoName } from './abi/errno';
import { signalName } from './abi/signals';
import type { Call, SyscallOutcome } from './call';
import { systemCall, systemCallName, type ArgumentKind } from './syscalls/table';

/** Most bytes of a string or buffer that are shown, as strace does. */
const SHOWN_BYTES = 32;
const MAX_ERRNO = 4095n;

/**
 * Shows a call: its arguments now, its result when it is done.
 * @returns makes the line from the outcome
 */
export function formatCall(call: Call, number: number): (outcome: SyscallOutcome) => string {
  const known = systemCall(number);
  const kinds: readonly ArgumentKind[] = known?.arguments ?? Array<ArgumentKind>(6).fill('long');
  // What the call fills is shown with its result, which takes the place of the first argument.
  const first = call.hart.x(10);
  const before = kinds.map((kind, i) => (kind === 'out' ? '' : formatArgument(call, kind, i)));
  return (outcome) => {
    const shown = kinds.map((kind, i) => {
      if (kind !== 'out') return before[i] ?? '';
      return formatFilled(call, i === 0 ? first : call.hart.x(10 + i), outcome);
    });
    return `${systemCallName(number)}(${shown.join(', ')}) = ${formatResult(call, number, outcome)}`;
  };
}

const NAMES: Partial<Record<ArgumentKind, Readonly<Record<number, string>>>> = {
  clock: {
    0: 'CLOCK_REALTIME',
    1: 'CLOCK_MONOTONIC',
    2: 'CLOCK_PROCESS_CPUTIME_ID',
    3: 'CLOCK_THREAD_CPUTIME_ID',
    7: 'CLOCK_BOOTTIME',
  },
  dirfd: { [-100]: 'AT_FDCWD' },
  sigHow: { 0: 'SIG_BLOCK', 1: 'SIG_UNBLOCK', 2: 'SIG_SETMASK' },
  ioctl: {
    0x5401: 'TCGETS',
    0x5402: 'TCSETS',
    0x5403: 'TCSETSW',
    0x5404: 'TCSETSF',
    0x5413: 'TIOCGWINSZ',
    0x541b: 'FIONREAD',
  },
  resource: { 3: 'RLIMIT_STACK', 7: 'RLIMIT_NOFILE' },
};

const FLAGS: Partial<Record<ArgumentKind, readonly (readonly [number, string])[]>> = {
  protection: [
    [1, 'PROT_READ'],
    [2, 'PROT_WRITE'],
    [4, 'PROT_EXEC'],
  ],
  mapFlags: [
    [1, 'MAP_SHARED'],
    [2, 'MAP_PRIVATE'],
    [0x10, 'MAP_FIXED'],
    [0x20, 'MAP_ANONYMOUS'],
    [0x4000, 'MAP_NORESERVE'],
    [0x2_0000, 'MAP_STACK'],
    [0x10_0000, 'MAP_FIXED_NOREPLACE'],
  ],
  openFlags: [
    [1, 'O_WRONLY'],
    [2, 'O_RDWR'],
    [0o100, 'O_CREAT'],
    [0o200, 'O_EXCL'],
    [0o1000, 'O_TRUNC'],
    [0o2000, 'O_APPEND'],
    [0o4000, 'O_NONBLOCK'],
    [0o200000, 'O_DIRECTORY'],
    [0o2000000, 'O_CLOEXEC'],
  ],
};

function formatArgument(call: Call, kind: ArgumentKind, index: number): string {
  const named = NAMES[kind]?.[call.int(index)];
  if (named !== undefined) return named;
  const flags = FLAGS[kind];
  if (flags !== undefined) return formatFlags(call.uint(index), flags, kind);
  switch (kind) {
    case 'int':
    case 'fd':
    case 'dirfd':
    case 'pid':
    case 'clock':
    case 'sigHow':
    case 'resource':
      return String(call.int(index));
    case 'uint':
    case 'size':
      return String(call.number(index));
    case 'long':
    case 'offset':
      return String(call.long(index));
    case 'mode':
      return `0${call.uint(index).toString(8)}`;
    case 'signal':
      return call.int(index) === 0 ? '0' : signalName(call.int(index));
    case 'path':
      return formatBytes(
        call.kernel.space.readString(call.number(index), 256).bytes,
        call.hart.x(10 + index),
      );
    case 'in':
      return formatBytes(
        readSome(call, call.hart.x(10 + index), call.number(index + 1)),
        call.hart.x(10 + index),
      );
    case 'timespec':
      return formatTimespec(call, index);
    default:
      return formatAddress(call.hart.x(10 + index));
  }
}

function formatFlags(
  value: number,
  flags: readonly (readonly [number, string])[],
  kind: ArgumentKind,
): string {
  const names: string[] = [];
  let rest = value;
  for (const [bit, name] of flags) {
    if ((value & bit) === 0) continue;
    names.push(name);
    rest &= ~bit;
  }
  if (rest !== 0) names.push(`0x${(rest >>> 0).toString(16)}`);
  if (names.length > 0) return names.join('|');
  return kind === 'protection' ? 'PROT_NONE' : kind === 'openFlags' ? 'O_RDONLY' : '0';
}

function formatTimespec(call: Call, index: number): string {
  const bytes = call.kernel.space.read(call.number(index), 16);
  if (bytes.length < 16) return formatAddress(call.hart.x(10 + index));
  const view = new DataView(bytes.buffer);
  return `{${view.getBigInt64(0, true)}, ${view.getBigInt64(8, true)}}`;
}

function formatAddress(value: bigint): string {
  return value === 0n ? 'NULL' : `0x${value.toString(16)}`;
}

/** At most one byte more than is shown, so that the cut is seen. */
function readSome(call: Call, address: bigint, length: number): Uint8Array {
  return call.kernel.space.read(Number(address), Math.min(length, SHOWN_BYTES + 1));
}

function formatFilled(call: Call, address: bigint, outcome: SyscallOutcome): string {
  const result = BigInt.asIntN(64, call.hart.x(10));
  if (outcome.kind !== 'done' || result <= 0n) return formatAddress(address);
  return formatBytes(readSome(call, address, Number(result)), address);
}

function formatBytes(bytes: Uint8Array, address: bigint): string {
  if (bytes.length === 0 && address === 0n) return 'NULL';
  const shown = bytes.subarray(0, SHOWN_BYTES);
  const text = Array.from(shown, escapeByte).join('');
  return `"${text}"${bytes.length > SHOWN_BYTES ? '...' : ''}`;
}

const ESCAPES: Readonly<Record<number, string>> = {
  9: '\\t',
  10: '\\n',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
};

function escapeByte(byte: number): string {
  const escaped = ESCAPES[byte];
  if (escaped !== undefined) return escaped;
  return byte >= 32 && byte < 127 ? String.fromCharCode(byte) : `\\${byte.toString(8)}`;
}

const ADDRESS_RESULTS: readonly string[] = ['brk', 'mmap', 'mremap', 'shmat'];

function formatResult(call: Call, number: number, outcome: SyscallOutcome): string {
  if (outcome.kind === 'exit' || outcome.kind === 'thread-ended') return '?';
  if (outcome.kind === 'killed') return `? (killed by ${signalName(outcome.signal)})`;
  const result = BigInt.asIntN(64, call.hart.x(10));
  if (result < 0n && result >= -MAX_ERRNO) {
    const unknown = result === BigInt(-ERRNO.ENOSYS) ? ' (not there)' : '';
    return `-1 ${errnoName(Number(-result))}${unknown}`;
  }
  return ADDRESS_RESULTS.includes(systemCallName(number))
    ? `0x${result.toString(16)}`
    : String(result);
}
