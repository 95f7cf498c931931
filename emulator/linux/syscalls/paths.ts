import { ERRNO } from '../abi/errno';
import { SyscallError, type Call } from '../call';
import { PathFile } from '../files/devices';
import type { FileNode } from '../files/node';
import { AT_FDCWD } from '../files/process-files';

export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
export const AT_EACCESS = 0x200;
export const AT_SYMLINK_FOLLOW = 0x400;
export const AT_EMPTY_PATH = 0x1000;

/** The path at argument `index`. */
export function pathText(call: Call, index: number): string {
  return call.kernel.memory.cString(call.number(index));
}

/**
 * The file that a descriptor (argument `from`) and a path (the next argument) name together. With
 * AT_EMPTY_PATH an empty path, or none, stands for the descriptor itself.
 */
export function nodeArgument(call: Call, from: number, flags: number): FileNode {
  const { files, memory } = call.kernel;
  const address = call.number(from + 1);
  const emptyAllowed = (flags & AT_EMPTY_PATH) !== 0;
  const path = emptyAllowed && address === 0 ? '' : memory.cString(address);
  if (path === '' && emptyAllowed) return descriptorNode(call, call.int(from));
  return files.existing(call.int(from), path, { followLast: (flags & AT_SYMLINK_NOFOLLOW) === 0 });
}

/** What a descriptor has open, as a file that has a name; EBADF or EINVAL when it has none. */
export function descriptorNode(call: Call, fd: number): FileNode {
  if (fd === AT_FDCWD) return call.kernel.files.workingDirectory;
  const file = call.kernel.descriptors.file(fd);
  if (file.node === undefined) {
    throw new SyscallError(ERRNO.EINVAL, `descriptor ${fd} is of no file with a name`);
  }
  return file.node;
}

/** The node of a descriptor for a call that changes it: O_PATH is EBADF. */
export function openedNode(call: Call, fd: number): FileNode {
  if (call.kernel.descriptors.file(fd) instanceof PathFile) {
    throw new SyscallError(ERRNO.EBADF, 'the descriptor was opened with O_PATH');
  }
  return descriptorNode(call, fd);
}
