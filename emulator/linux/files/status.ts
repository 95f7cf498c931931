import { DEFAULT_GROUP, DEFAULT_USER } from '../identity';
import type { FileSystem } from './node';
import type { FileStatus, FileTimes } from './open-file';

const BLOCK_SIZE = 4096;
const NAME_MAX = 255;
/** Number of what has no file system of its own. */
const NO_DEVICE = 1;
const NANOSECONDS = 1_000_000_000n;
const EPOCH: FileTimes = { access: 0n, modify: 0n, change: 0n };

/** Blocks of 512 bytes. */
function blocksOf({ blocks, size }: FileStatus): bigint {
  return BigInt(blocks ?? Math.ceil(size / 512));
}

function putTime(view: DataView, at: number, time: bigint): void {
  let rest = time % NANOSECONDS;
  let seconds = time / NANOSECONDS;
  if (rest < 0n) {
    rest += NANOSECONDS;
    seconds -= 1n;
  }
  view.setBigInt64(at, seconds, true);
  view.setUint32(at + 8, Number(rest), true);
}

/**
 * `struct stat` of riscv64 (include/uapi/asm-generic/stat.h): st_dev u64, st_ino u64, st_mode u32,
 * st_nlink u32, st_uid u32, st_gid u32, st_rdev u64, 8 bytes, st_size i64, st_blksize i32, 4 bytes,
 * st_blocks i64, then three times of 16 bytes, 8 bytes.
 */
export function encodeStat(status: FileStatus): Uint8Array {
  const bytes = new Uint8Array(128);
  const view = new DataView(bytes.buffer);
  const { access, modify, change } = status.times ?? EPOCH;
  view.setBigUint64(0, BigInt(status.fileSystem ?? NO_DEVICE), true);
  view.setBigUint64(8, BigInt(status.inode), true);
  view.setUint32(16, status.mode, true);
  view.setUint32(20, status.links ?? 1, true);
  view.setUint32(24, status.user ?? DEFAULT_USER, true);
  view.setUint32(28, status.group ?? DEFAULT_GROUP, true);
  view.setBigUint64(32, BigInt(status.device ?? 0), true);
  view.setBigInt64(48, BigInt(status.size), true);
  view.setInt32(56, BLOCK_SIZE, true);
  view.setBigInt64(64, blocksOf(status), true);
  putTime(view, 72, access);
  putTime(view, 88, modify);
  putTime(view, 104, change);
  return bytes;
}

const STATX_BASIC_STATS = 0x7ff;

/** `struct statx` (include/uapi/linux/stat.h); there is no time of birth. */
export function encodeStatx(status: FileStatus): Uint8Array {
  const bytes = new Uint8Array(256);
  const view = new DataView(bytes.buffer);
  const device = status.device ?? 0;
  const { access, modify, change } = status.times ?? EPOCH;
  view.setUint32(0, STATX_BASIC_STATS, true);
  view.setUint32(4, BLOCK_SIZE, true);
  view.setUint32(16, status.links ?? 1, true);
  view.setUint32(20, status.user ?? DEFAULT_USER, true);
  view.setUint32(24, status.group ?? DEFAULT_GROUP, true);
  view.setUint16(28, status.mode, true);
  view.setBigUint64(32, BigInt(status.inode), true);
  view.setBigUint64(40, BigInt(status.size), true);
  view.setBigUint64(48, blocksOf(status), true);
  putTime(view, 64, access);
  putTime(view, 96, change);
  putTime(view, 112, modify);
  view.setUint32(128, device >>> 8, true);
  view.setUint32(132, device & 0xff, true);
  view.setUint32(140, status.fileSystem ?? NO_DEVICE, true);
  return bytes;
}

/**
 * `struct statfs` of 64-bit Linux (include/uapi/asm-generic/statfs.h): fifteen words of 8 bytes from f_type to f_flags
 * and four spare ones.
 */
export function encodeStatfs(fileSystem: FileSystem): Uint8Array {
  const { bytes, freeBytes, files, freeFiles } = fileSystem.usage();
  const blocks = (count: number): number => Math.floor(count / BLOCK_SIZE);
  const words = new BigUint64Array(15);
  [
    fileSystem.magic,
    BLOCK_SIZE,
    blocks(bytes),
    blocks(freeBytes),
    blocks(freeBytes),
    files,
    freeFiles,
    fileSystem.device,
    NAME_MAX,
    BLOCK_SIZE,
    // ST_VALID, and ST_RDONLY.
    fileSystem.readOnly ? 0x21 : 0x20,
  ].forEach((value, index) => {
    words[index] = BigInt(value);
  });
  return new Uint8Array(words.buffer);
}
