import { ERRNO } from '../abi/errno';
import { refuse } from './node';
import { O_APPEND, type FileStatus, type ReadResult } from './open-file';
import { SeekableFile } from './seekable-file';

/** What a regular file holds, wherever that is. Methods throw SyscallError. */
export interface FileContent {
  /** Mappings that show the file: the file's own, whatever descriptor they were made with. */
  readonly views: Set<SharedView>;
  status(): FileStatus;
  size(): number;
  readAt(max: number, position: number): Uint8Array;
  writeAt(bytes: Uint8Array, position: number): number;
  truncate(size: number): void;
  /** Makes a hole that reads as zero. */
  punch(offset: number, length: number): void;
  /** Takes room for later writes. */
  reserve(offset: number, length: number): void;
  /** SEEK_DATA and SEEK_HOLE; undefined when there is none behind. */
  seek(position: number, data: boolean): number | undefined;
  sync(): void;
  close(): void;
}

const SEEK_DATA = 3;
const SEEK_HOLE = 4;
/** Modes of fallocate (include/uapi/linux/falloc.h). */
const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;
const FALLOC_FL_ZERO_RANGE = 16;

/** Most bytes of one read; longer ones go on in pieces. */
const READ_CHUNK = 1 << 20;

/** Memory that shows a part of a file (mmap with MAP_SHARED), kept in step by its owner. */
export interface SharedView {
  /** Brings what the guest has stored into the file. */
  store(): void;
  /**
   * Shows what has been written to the file.
   * @param shown frames that show it already; those that do now are added
   */
  load(position: number, bytes: Uint8Array, shown: Set<number>): void;
  /** The frame that shows the page of the file at `position`, 0 = none. */
  frameAt(position: number): number;
}

/** An open regular file. */
export class RegularFile extends SeekableFile {
  constructor(
    name: string | (() => string),
    flags: number,
    private readonly content: FileContent,
  ) {
    super(name, flags);
  }

  override status(): FileStatus {
    return this.content.status();
  }

  protected override length(): number {
    return this.content.size();
  }

  override readAt(max: number, position: number): ReadResult {
    this.storeViews();
    const piece = this.content.readAt(Math.min(max, READ_CHUNK), position);
    return piece.length === 0 ? 'eof' : piece;
  }

  override write(bytes: Uint8Array): number {
    const position = this.flags & O_APPEND ? this.content.size() : this.position;
    const count = this.put(bytes, position);
    this.position = position + count;
    return count;
  }

  /** pwrite to a file that is open for appending appends, as on Linux. */
  override writeAt(bytes: Uint8Array, position: number): number {
    return this.put(bytes, this.flags & O_APPEND ? this.content.size() : position);
  }

  override seek(offset: bigint, whence: number): bigint | number {
    if (whence === SEEK_DATA || whence === SEEK_HOLE) return this.seekKind(offset, whence);
    return super.seek(offset, whence);
  }

  override mappedBytes(offset: number, length: number): Uint8Array {
    this.storeViews();
    const count = Math.max(0, Math.min(length, this.content.size() - offset));
    const bytes = new Uint8Array(count);
    for (let done = 0; done < count;) {
      const piece = this.content.readAt(Math.min(count - done, READ_CHUNK), offset + done);
      if (piece.length === 0) break;
      bytes.set(piece, done);
      done += piece.length;
    }
    return bytes;
  }

  override available(): number {
    return Math.max(0, this.content.size() - this.position);
  }

  override truncate(size: number): void {
    this.storeViews();
    this.content.truncate(size);
  }

  override allocate(mode: number, offset: number, length: number): void {
    const keep = (mode & FALLOC_FL_KEEP_SIZE) !== 0;
    const end = offset + length;
    switch (mode & ~FALLOC_FL_KEEP_SIZE) {
      case FALLOC_FL_PUNCH_HOLE:
        if (!keep) refuse(ERRNO.EOPNOTSUPP, 'a hole must keep the size');
        this.content.punch(offset, length);
        return;
      case FALLOC_FL_ZERO_RANGE:
        this.content.punch(offset, length);
        break;
      case 0:
        this.content.reserve(offset, length);
        break;
      default:
        refuse(ERRNO.EOPNOTSUPP, `the mode ${mode} of fallocate is not there`);
    }
    if (!keep && end > this.content.size()) this.content.truncate(end);
  }

  override sync(): void {
    this.storeViews();
    this.content.sync();
  }

  override close(): void {
    this.storeViews();
    this.content.close();
  }

  /** Mappings that show this file. */
  get views(): Set<SharedView> {
    return this.content.views;
  }

  /** The frame in which a mapping shows the page of the file at `position`, 0 = none does. */
  frameAt(position: number): number {
    for (const view of this.content.views) {
      const frame = view.frameAt(position);
      if (frame !== 0) return frame;
    }
    return 0;
  }

  /** Writes what one page of a shared view holds, which its frame shows already. */
  storeFrom(frame: number, bytes: Uint8Array, position: number): void {
    const room = this.content.size() - position;
    if (room <= 0) return;
    const part = bytes.subarray(0, room);
    // A page that only was read, or written to as it was, is no change of the file.
    const before = this.content.readAt(part.length, position);
    if (Buffer.compare(before, part) === 0) return;
    this.content.writeAt(part, position);
    this.show(position, part, new Set([frame]));
  }

  private put(bytes: Uint8Array, position: number): number {
    const count = this.content.writeAt(bytes, position);
    this.show(position, bytes.subarray(0, count), new Set());
    return count;
  }

  private show(position: number, bytes: Uint8Array, shown: Set<number>): void {
    for (const view of this.content.views) view.load(position, bytes, shown);
  }

  private storeViews(): void {
    for (const view of this.content.views) view.store();
  }

  private seekKind(offset: bigint, whence: number): bigint | number {
    const size = this.content.size();
    if (offset < 0n || offset >= BigInt(size)) return -ERRNO.ENXIO;
    const found = this.content.seek(Number(offset), whence === SEEK_DATA);
    if (found === undefined) return -ERRNO.ENXIO;
    this.position = found;
    return BigInt(found);
  }
}
