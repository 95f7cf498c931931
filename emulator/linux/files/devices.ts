import { ERRNO } from '../abi/errno';
import type { DirectoryNode } from './node';
import { directoryPath, type DirectoryEntry, type FileNode, type OpenRequest } from './node';
import { OpenFile, S_IFDIR, type FileStatus, type ReadResult } from './open-file';
import { SeekableFile } from './seekable-file';

/** Most bytes that one read of an endless device gives. */
const DEVICE_CHUNK = 65536;

/** What a device of memory does. */
export interface DeviceBehaviour {
  /** Fills a read, or undefined for a device that is at its end at once. */
  readonly fill?: (bytes: Uint8Array) => void;
  /** What a write answers when it is not simply taken. */
  readonly writeError?: number;
  /** A mapping of it is memory of zeros. */
  readonly zero?: boolean;
}

/** A device that is always ready: /dev/null, /dev/zero, /dev/full, /dev/random, /dev/urandom. */
export class MemoryDevice extends OpenFile {
  constructor(
    { path, flags }: OpenRequest,
    override readonly node: FileNode,
    private readonly behaviour: DeviceBehaviour,
  ) {
    super(path, flags);
  }

  override status(): FileStatus {
    return this.node.status();
  }

  override read(max: number): ReadResult {
    if (this.behaviour.fill === undefined) return 'eof';
    const bytes = new Uint8Array(Math.min(max, DEVICE_CHUNK));
    this.behaviour.fill(bytes);
    return bytes;
  }

  override readAt(max: number): ReadResult {
    return this.read(max);
  }

  override write(bytes: Uint8Array): number {
    const { writeError } = this.behaviour;
    return writeError === undefined ? bytes.length : -writeError;
  }

  override writeAt(bytes: Uint8Array): number {
    return this.write(bytes);
  }

  override seek(): number {
    return 0;
  }

  override mappedBytes(): 'zero' | undefined {
    return this.behaviour.zero === true ? 'zero' : undefined;
  }

  override get discardsWrites(): boolean {
    return this.behaviour.writeError === undefined;
  }
}

/** A read-only file whose bytes are known when it is opened. */
export class BytesFile extends SeekableFile {
  constructor(
    { path, flags }: OpenRequest,
    override readonly node: FileNode,
    private readonly bytes: Uint8Array,
  ) {
    super(path, flags);
  }

  override status(): FileStatus {
    return this.node.status();
  }

  protected override length(): number {
    return this.bytes.length;
  }

  override readAt(max: number, position: number): ReadResult {
    const piece = this.bytes.slice(position, position + max);
    return piece.length === 0 ? 'eof' : piece;
  }

  override mappedBytes(offset: number, length: number): Uint8Array {
    return this.bytes.subarray(offset, offset + length);
  }
}

/** A file that is open with O_PATH only: it stands for its place. */
export class PathFile extends OpenFile {
  constructor(
    { path, flags }: OpenRequest,
    override readonly node: FileNode,
  ) {
    super(path, flags);
  }

  override status(): FileStatus {
    return this.node.status();
  }
}

/** An open directory; its position is the number of the next entry. */
export class DirectoryFile extends OpenFile {
  private entries: readonly DirectoryEntry[] | undefined;

  /** @param list the entries, mounted directories among them */
  constructor(
    flags: number,
    override readonly node: DirectoryNode,
    private readonly list: () => readonly DirectoryEntry[],
  ) {
    super(() => directoryPath(node), flags);
  }

  override status(): FileStatus {
    return this.node.status();
  }

  override read(): ReadResult {
    return -ERRNO.EISDIR;
  }

  override seek(offset: bigint, whence: number): bigint | number {
    const base = [0, this.position][whence];
    if (base === undefined) return -ERRNO.EINVAL;
    const target = BigInt(base) + offset;
    if (target < 0n || target > 2n ** 31n) return -ERRNO.EINVAL;
    this.position = Number(target);
    if (target === 0n) this.entries = undefined;
    return target;
  }

  /** The entries from the position on, `.` and `..` first; as they were at the first of them. */
  remaining(): readonly DirectoryEntry[] {
    if (this.entries === undefined) {
      const { node } = this;
      const above = node.parent ?? node;
      this.entries = [
        { name: '.', inode: node.status().inode, type: S_IFDIR },
        { name: '..', inode: above.status().inode, type: S_IFDIR },
        ...(node.removed ? [] : this.list()),
      ];
    }
    return this.entries.slice(this.position);
  }
}
