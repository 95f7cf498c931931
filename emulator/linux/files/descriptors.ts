import { ERRNO } from '../abi/errno';
import { SyscallError } from '../call';
import type { OpenFile } from './open-file';

interface Descriptor {
  file: OpenFile;
  closeOnExec: boolean;
}

/** The process's descriptors: small numbers for open file descriptions. */
export class DescriptorTable {
  private readonly open = new Map<number, Descriptor>();
  /** Called with a file that a descriptor is closed of: its record locks end (fcntl). */
  onClose: ((file: OpenFile) => void) | undefined;

  /** @param limit how many descriptors there may be (RLIMIT_NOFILE) */
  constructor(private readonly limit: () => number) {}

  /** The numbers that are open, ascending. */
  numbers(): number[] {
    return [...this.open.keys()].sort((a, b) => a - b);
  }

  /** A table with the same open files, for a new process (fork). */
  copy(limit: () => number): DescriptorTable {
    const table = new DescriptorTable(limit);
    for (const [fd, { file, closeOnExec }] of this.open) {
      table.open.set(fd, { file: file.retain(), closeOnExec });
    }
    return table;
  }

  /** Closes what does not outlive an execve. */
  closeForExec(): void {
    for (const [fd, { closeOnExec }] of [...this.open]) if (closeOnExec) this.close(fd);
  }

  /** Closes everything: the process has ended. */
  closeAll(): void {
    this.closeRange(0, Infinity);
  }

  /** The open file of `fd`; EBADF when there is none. */
  file(fd: number): OpenFile {
    return this.descriptor(fd).file;
  }

  has(fd: number): boolean {
    return this.open.has(fd);
  }

  /** Takes the lowest free number from `lowest` on; EMFILE when none is left below the limit. */
  add(file: OpenFile, closeOnExec: boolean, lowest = 0): number {
    const limit = this.limit();
    let fd = lowest;
    while (this.open.has(fd)) fd++;
    if (fd >= limit) {
      throw new SyscallError(ERRNO.EMFILE, `${limit} descriptors are open already`);
    }
    this.open.set(fd, { file: file.retain(), closeOnExec });
    return fd;
  }

  /** Makes `fd` refer to `file`, whatever it was (dup3). */
  set(fd: number, file: OpenFile, closeOnExec: boolean): void {
    if (fd < 0 || fd >= this.limit()) throw badDescriptor(fd);
    const former = this.open.get(fd)?.file;
    this.open.set(fd, { file: file.retain(), closeOnExec });
    if (former !== undefined) this.drop(former);
  }

  close(fd: number): void {
    const { file } = this.descriptor(fd);
    this.open.delete(fd);
    this.drop(file);
  }

  /** Closes those from `first` to `last` that are open. */
  closeRange(first: number, last: number): void {
    for (const fd of [...this.open.keys()]) if (fd >= first && fd <= last) this.close(fd);
  }

  closeOnExec(fd: number): boolean {
    return this.descriptor(fd).closeOnExec;
  }

  setCloseOnExec(fd: number, value: boolean): void {
    this.descriptor(fd).closeOnExec = value;
  }

  private drop(file: OpenFile): void {
    // Before it is closed: locks go by the file's number.
    this.onClose?.(file);
    file.release();
  }

  private descriptor(fd: number): Descriptor {
    const found = this.open.get(fd);
    if (found === undefined) throw badDescriptor(fd);
    return found;
  }
}

function badDescriptor(fd: number): SyscallError {
  return new SyscallError(ERRNO.EBADF, `descriptor ${fd} is not open`);
}
