import { ERRNO } from '../abi/errno';
import { refuse } from './node';

/**
 * Bytes and files that the guest's in-memory file systems may hold together, and with them what waits in pipes and
 * sockets, what epoll watches and record locks: all that a guest can make the host keep for it outside of its memory.
 */
export class MemoryQuota {
  private usedBytes = 0;
  private usedFiles = 0;

  constructor(
    readonly bytes: number,
    readonly files: number,
  ) {}

  get freeBytes(): number {
    return Math.max(0, this.bytes - this.usedBytes);
  }

  get freeFiles(): number {
    return this.files - this.usedFiles;
  }

  /** @throws SyscallError ENOSPC */
  takeBytes(count: number): void {
    if (count > this.freeBytes) {
      refuse(ERRNO.ENOSPC, `the in-memory file system holds ${this.bytes} bytes at most`);
    }
    this.usedBytes += count;
  }

  /** Counts bytes that the kernel keeps for the guest beside its files; who does so looks at `freeBytes` before. */
  charge(count: number): void {
    this.usedBytes += count;
  }

  giveBytes(count: number): void {
    this.usedBytes -= count;
  }

  /** @throws SyscallError ENOSPC */
  takeFile(): void {
    if (this.freeFiles <= 0) {
      refuse(ERRNO.ENOSPC, `the in-memory file system holds ${this.files} files at most`);
    }
    this.usedFiles += 1;
  }

  giveFile(): void {
    this.usedFiles -= 1;
  }
}

const PAGE = 4096;
/** Largest file, as with MAX_LFS_FILESIZE for pages that are counted in 32 bits. */
const MAX_FILE_SIZE = 2 ** 43;

/** The content of a file in memory: pages that were written; all others are holes that read as zero. */
export class SparseBytes {
  private readonly pages = new Map<number, Uint8Array>();
  private length = 0;

  constructor(private readonly quota: MemoryQuota) {}

  get size(): number {
    return this.length;
  }

  /** Bytes that are really held. */
  get held(): number {
    return this.pages.size * PAGE;
  }

  read(position: number, max: number): Uint8Array {
    const count = Math.max(0, Math.min(max, this.length - position));
    const bytes = new Uint8Array(count);
    for (let done = 0; done < count;) {
      const offset = (position + done) % PAGE;
      const part = Math.min(count - done, PAGE - offset);
      const page = this.pages.get(Math.floor((position + done) / PAGE));
      if (page !== undefined) bytes.set(page.subarray(offset, offset + part), done);
      done += part;
    }
    return bytes;
  }

  /** Writes all, or what there is room for when that is something. */
  write(position: number, bytes: Uint8Array): number {
    if (position + bytes.length > MAX_FILE_SIZE) refuse(ERRNO.EFBIG, 'the file would be too large');
    let done = 0;
    while (done < bytes.length) {
      const offset = (position + done) % PAGE;
      const part = Math.min(bytes.length - done, PAGE - offset);
      const page = this.own(Math.floor((position + done) / PAGE), done > 0);
      if (page === undefined) break;
      page.set(bytes.subarray(done, done + part), offset);
      done += part;
    }
    this.length = Math.max(this.length, position + done);
    return done;
  }

  truncate(size: number): void {
    if (size > MAX_FILE_SIZE) refuse(ERRNO.EFBIG, 'the file would be too large');
    if (size < this.length) this.punch(size, this.length - size);
    this.length = size;
  }

  /** Makes a hole; the size stays. */
  punch(offset: number, length: number): void {
    const end = offset + length;
    for (const [index, page] of this.pages) {
      const start = index * PAGE;
      if (start + PAGE <= offset || start >= end) continue;
      if (start >= offset && (start + PAGE <= end || end >= this.length)) {
        this.pages.delete(index);
        this.quota.giveBytes(PAGE);
      } else {
        page.fill(0, Math.max(0, offset - start), Math.min(PAGE, end - start));
      }
    }
  }

  /** Takes memory for a range, so that later writes to it cannot fail. */
  reserve(offset: number, length: number): void {
    const last = Math.ceil((offset + length) / PAGE);
    if ((last - Math.floor(offset / PAGE)) * PAGE > this.quota.freeBytes + this.held) {
      refuse(ERRNO.ENOSPC, 'there is no room for that');
    }
    for (let index = Math.floor(offset / PAGE); index < last; index++) this.own(index, false);
  }

  /** The first position from `position` on that is data (or a hole); undefined when there is none. */
  seek(position: number, data: boolean): number | undefined {
    if (position >= this.length) return undefined;
    if (data) {
      // The pages in order, since a hole may be far longer than the data.
      const here = Math.floor(position / PAGE);
      if (this.pages.has(here)) return position;
      let next = Infinity;
      for (const index of this.pages.keys()) if (index > here && index < next) next = index;
      return next * PAGE < this.length ? next * PAGE : undefined;
    }
    let index = Math.floor(position / PAGE);
    if (!this.pages.has(index)) return position;
    while (this.pages.has(index)) index++;
    return Math.min(index * PAGE, this.length);
  }

  /** Gives all memory back. */
  drop(): void {
    this.quota.giveBytes(this.pages.size * PAGE);
    this.pages.clear();
    this.length = 0;
  }

  private own(index: number, partIsWritten: boolean): Uint8Array | undefined {
    const known = this.pages.get(index);
    if (known !== undefined) return known;
    if (partIsWritten && this.quota.freeBytes < PAGE) return undefined;
    this.quota.takeBytes(PAGE);
    const page = new Uint8Array(PAGE);
    this.pages.set(index, page);
    return page;
  }
}
