import type { MemoryQuota } from './bytes';
import type { OpenFile } from './open-file';

/** A range that a process (fcntl) or an open file (OFD locks) has locked: [start, end). */
export interface RecordLock {
  readonly owner: number | OpenFile;
  readonly exclusive: boolean;
  readonly start: number;
  readonly end: number;
}

/** What a record lock takes of the quota. */
const LOCK_BYTES = 256;

/** Advisory locks of files: fcntl's on ranges, flock's on whole files. */
export class FileLocks {
  private readonly records = new Map<string, RecordLock[]>();
  private readonly whole = new Map<string, Map<OpenFile, boolean>>();

  constructor(private readonly quota: MemoryQuota) {}

  /** Whether there is memory for one more, which may cut another in two. */
  get hasRoom(): boolean {
    return this.quota.freeBytes >= 2 * LOCK_BYTES;
  }

  /** A lock of somebody else that is in the way. */
  conflict(file: OpenFile, wanted: RecordLock): RecordLock | undefined {
    return this.records
      .get(keyOf(file))
      ?.find(
        (lock) =>
          lock.owner !== wanted.owner &&
          (lock.exclusive || wanted.exclusive) &&
          lock.start < wanted.end &&
          wanted.start < lock.end,
      );
  }

  /** Sets a lock that nothing is in the way of, or with `exclusive` undefined takes the range's away. */
  set(
    file: OpenFile,
    range: Omit<RecordLock, 'exclusive'> & { readonly exclusive: boolean | undefined },
  ): void {
    const key = keyOf(file);
    const { owner, start, end, exclusive } = range;
    const before = this.records.get(key) ?? [];
    const locks = before.flatMap((lock) => {
      if (lock.owner !== owner || lock.end <= start || lock.start >= end) return [lock];
      return [
        ...(lock.start < start ? [{ ...lock, end: start }] : []),
        ...(lock.end > end ? [{ ...lock, start: end }] : []),
      ];
    });
    if (exclusive !== undefined) locks.push({ owner, start, end, exclusive });
    this.quota.charge((locks.length - before.length) * LOCK_BYTES);
    if (locks.length === 0) this.records.delete(key);
    else this.records.set(key, locks);
  }

  /**
   * A process closes a descriptor of the file: its record locks on it end (fcntl(2)), and with the last
   * one those of the open file.
   */
  descriptorClosed(file: OpenFile, process: number): void {
    if (this.records.size > 0) {
      const owners = file.isLast ? [process, file] : [process];
      for (const owner of owners) {
        this.set(file, { owner, start: 0, end: Infinity, exclusive: undefined });
      }
    }
    if (file.isLast && this.whole.size > 0) this.unlockWhole(file);
  }

  /** flock(2). False when another open file has the lock. */
  lockWhole(file: OpenFile, exclusive: boolean): boolean {
    const key = keyOf(file);
    const holders = this.whole.get(key) ?? new Map<OpenFile, boolean>();
    for (const [other, theirs] of holders) {
      if (other !== file && (exclusive || theirs)) return false;
    }
    this.whole.set(key, holders.set(file, exclusive));
    return true;
  }

  unlockWhole(file: OpenFile): void {
    const key = keyOf(file);
    const holders = this.whole.get(key);
    holders?.delete(file);
    if (holders?.size === 0) this.whole.delete(key);
  }
}

function keyOf(file: OpenFile): string {
  const { fileSystem, inode } = file.status();
  return `${fileSystem}:${inode}`;
}
