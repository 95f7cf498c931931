import { DEFAULT_GROUP, DEFAULT_USER } from '../identity';
import type { FileStatus } from './open-file';

const BLOCK_SIZE = 4096;
/** Number of the device that holds the guest's files. */
const FILE_SYSTEM = 1;

/**
 * `struct stat` of riscv64 (include/uapi/asm-generic/stat.h): st_dev u64, st_ino u64, st_mode u32,
 * st_nlink u32, st_uid u32, st_gid u32, st_rdev u64, 8 bytes, st_size i64, st_blksize i32, 4 bytes,
 * st_blocks i64, then three times of 16 bytes, 8 bytes.
 */
export function encodeStat(status: FileStatus): Uint8Array {
  const bytes = new Uint8Array(128);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(FILE_SYSTEM), true);
  view.setBigUint64(8, BigInt(status.inode), true);
  view.setUint32(16, status.mode, true);
  view.setUint32(20, 1, true);
  view.setUint32(24, DEFAULT_USER, true);
  view.setUint32(28, DEFAULT_GROUP, true);
  view.setBigUint64(32, BigInt(status.device ?? 0), true);
  view.setBigInt64(48, BigInt(status.size), true);
  view.setInt32(56, BLOCK_SIZE, true);
  view.setBigInt64(64, BigInt(Math.ceil(status.size / 512)), true);
  return bytes;
}

const STATX_BASIC_STATS = 0x7ff;

/** `struct statx` (include/uapi/linux/stat.h); times are zero. */
export function encodeStatx(status: FileStatus): Uint8Array {
  const bytes = new Uint8Array(256);
  const view = new DataView(bytes.buffer);
  const device = status.device ?? 0;
  view.setUint32(0, STATX_BASIC_STATS, true);
  view.setUint32(4, BLOCK_SIZE, true);
  view.setUint32(16, 1, true);
  view.setUint32(20, DEFAULT_USER, true);
  view.setUint32(24, DEFAULT_GROUP, true);
  view.setUint16(28, status.mode, true);
  view.setBigUint64(32, BigInt(status.inode), true);
  view.setBigUint64(40, BigInt(status.size), true);
  view.setBigUint64(48, BigInt(Math.ceil(status.size / 512)), true);
  view.setUint32(128, device >>> 8, true);
  view.setUint32(132, device & 0xff, true);
  view.setUint32(140, FILE_SYSTEM, true);
  return bytes;
}
