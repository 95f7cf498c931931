import { ERRNO } from '../abi/errno';
import {
  makeDevice,
  OpenFile,
  S_IFCHR,
  S_IFDIR,
  S_IFREG,
  type FileStatus,
  type ReadResult,
} from './open-file';

/** Most bytes that one read of an endless device gives. */
const DEVICE_CHUNK = 65536;
const MEMORY_MAJOR = 1;
const ZERO_MINOR = 5;

/** A device that is always ready: /dev/null, /dev/zero, /dev/full, /dev/random, /dev/urandom. */
export class MemoryDevice extends OpenFile {
  constructor(
    path: string,
    flags: number,
    private readonly inode: number,
    private readonly minor: number,
    /** Fills a read, or undefined for a device that is at its end at once. */
    private readonly fill: ((bytes: Uint8Array) => void) | undefined,
    /** What a write answers when it is not simply taken. */
    private readonly writeError: number | undefined,
  ) {
    super(path, flags);
  }

  override status(): FileStatus {
    const device = makeDevice(MEMORY_MAJOR, this.minor);
    return { inode: this.inode, mode: S_IFCHR | 0o666, size: 0, device };
  }

  override read(max: number): ReadResult {
    if (this.fill === undefined) return 'eof';
    const bytes = new Uint8Array(Math.min(max, DEVICE_CHUNK));
    this.fill(bytes);
    return bytes;
  }

  override readAt(max: number): ReadResult {
    return this.read(max);
  }

  override write(bytes: Uint8Array): number {
    return this.writeError === undefined ? bytes.length : -this.writeError;
  }

  override writeAt(bytes: Uint8Array): number {
    return this.write(bytes);
  }

  override seek(): number {
    return 0;
  }

  override mappedBytes(): 'zero' | undefined {
    return this.minor === ZERO_MINOR ? 'zero' : undefined;
  }

  override get discardsWrites(): boolean {
    return this.writeError === undefined;
  }
}

/** A read-only file whose bytes are known when it is opened. */
export class BytesFile extends OpenFile {
  private position = 0;

  constructor(
    path: string,
    flags: number,
    private readonly inode: number,
    private readonly permissions: number,
    private readonly bytes: Uint8Array,
  ) {
    super(path, flags);
  }

  override status(): FileStatus {
    return { inode: this.inode, mode: S_IFREG | this.permissions, size: this.bytes.length };
  }

  override read(max: number): ReadResult {
    const piece = this.readAt(max, this.position);
    if (piece instanceof Uint8Array) this.position += piece.length;
    return piece;
  }

  override readAt(max: number, position: number): ReadResult {
    const piece = this.bytes.slice(position, position + max);
    return piece.length === 0 ? 'eof' : piece;
  }

  override mappedBytes(offset: number, length: number): Uint8Array {
    return this.bytes.subarray(offset, offset + length);
  }

  override seek(offset: bigint, whence: number): bigint | number {
    const bases = [0, this.position, this.bytes.length];
    const base = bases[whence];
    if (base === undefined) return -ERRNO.EINVAL;
    const target = BigInt(base) + offset;
    if (target < 0n || target > BigInt(Number.MAX_SAFE_INTEGER)) return -ERRNO.EINVAL;
    this.position = Number(target);
    return target;
  }
}

/** A directory that is there to be asked about; it has no entries to read. */
export class DirectoryFile extends OpenFile {
  constructor(
    path: string,
    flags: number,
    private readonly inode: number,
  ) {
    super(path, flags);
  }

  override status(): FileStatus {
    return { inode: this.inode, mode: S_IFDIR | 0o755, size: 0 };
  }

  override read(): ReadResult {
    return -ERRNO.EISDIR;
  }

  override seek(offset: bigint): bigint {
    return offset < 0n ? BigInt(-ERRNO.EINVAL) : offset;
  }
}
