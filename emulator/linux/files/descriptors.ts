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

  /** @param limit how many descriptors there may be (RLIMIT_NOFILE) */
  constructor(private readonly limit: () => number) {}

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
    this.open.set(fd, { file, closeOnExec });
    return fd;
  }

  /** Makes `fd` refer to `file`, whatever it was (dup3). */
  set(fd: number, file: OpenFile, closeOnExec: boolean): void {
    if (fd < 0 || fd >= this.limit()) throw badDescriptor(fd);
    this.open.set(fd, { file, closeOnExec });
  }

  close(fd: number): void {
    if (!this.open.delete(fd)) throw badDescriptor(fd);
  }

  /** Closes those from `first` to `last` that are open. */
  closeRange(first: number, last: number): void {
    for (const fd of [...this.open.keys()]) if (fd >= first && fd <= last) this.open.delete(fd);
  }

  closeOnExec(fd: number): boolean {
    return this.descriptor(fd).closeOnExec;
  }

  setCloseOnExec(fd: number, value: boolean): void {
    this.descriptor(fd).closeOnExec = value;
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
