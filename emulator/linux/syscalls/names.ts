import { ERRNO } from '../abi/errno';
import { SyscallError, type Call, type SyscallHandlers, type SyscallResult } from '../call';
import { DirectoryFile } from '../files/devices';
import { DirectoryNode, directoryPath, LinkNode, type NewNode } from '../files/node';
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK } from '../files/open-file';
import { AT_FDCWD } from '../files/process-files';
import { encodeText, PATH_MAX } from '../guest-memory';
import {
  AT_EMPTY_PATH,
  AT_REMOVEDIR,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
  descriptorNode,
  nodeArgument,
  pathText,
} from './paths';

const RENAME_NOREPLACE = 1;
const RENAME_EXCHANGE = 2;
/** Bytes of a `struct linux_dirent64` before the name: d_ino u64, d_off i64, d_reclen u16, d_type u8. */
const DIRENT_HEAD = 19;

function mknodat(call: Call): SyscallResult {
  const mode = call.uint(2);
  const kinds: Readonly<Record<number, 'file' | 'fifo' | 'socket'>> = {
    0: 'file',
    [S_IFREG]: 'file',
    [S_IFIFO]: 'fifo',
    [S_IFSOCK]: 'socket',
  };
  const type = mode & S_IFMT;
  const path = pathText(call, 1);
  if (type === S_IFCHR || type === S_IFBLK) return -ERRNO.EPERM;
  const kind = kinds[type];
  if (kind === undefined) return -ERRNO.EINVAL;
  return create(call, call.int(0), path, { kind, mode });
}

function create(call: Call, from: number, path: string, what: NewNode): SyscallResult {
  call.kernel.files.create(from, path, what);
  return 0;
}

function linkat(call: Call): SyscallResult {
  const flags = call.uint(4);
  if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) return -ERRNO.EINVAL;
  const follow = flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW;
  const node = nodeArgument(call, 0, (flags & AT_EMPTY_PATH) | follow);
  call.kernel.files.link(node, call.int(2), pathText(call, 3));
  return 0;
}

function renameat2(call: Call): SyscallResult {
  const flags = call.uint(4);
  // RENAME_WHITEOUT needs a privilege that the guest has not.
  if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) return -ERRNO.EINVAL;
  if (flags === (RENAME_NOREPLACE | RENAME_EXCHANGE)) return -ERRNO.EINVAL;
  const [from, to] = [call.int(0), call.int(2)];
  call.kernel.files.rename(from, pathText(call, 1), to, pathText(call, 3), flags);
  return 0;
}

function readlinkat(call: Call): SyscallResult {
  const size = call.int(3);
  if (size <= 0) return -ERRNO.EINVAL;
  const path = pathText(call, 1);
  const { files, memory } = call.kernel;
  const node =
    path === ''
      ? descriptorNode(call, call.int(0))
      : files.existing(call.int(0), path, { followLast: false });
  if (!(node instanceof LinkNode)) return path === '' ? -ERRNO.ENOENT : -ERRNO.EINVAL;
  const bytes = encodeText(files.linkTarget(node)).subarray(0, size);
  memory.write(call.number(2), bytes);
  return bytes.length;
}

function getdents64(call: Call): SyscallResult {
  const { descriptors, memory } = call.kernel;
  const file = descriptors.file(call.int(0));
  if (!file.canRead) return -ERRNO.EBADF;
  if (!(file instanceof DirectoryFile)) return -ERRNO.ENOTDIR;
  const room = Math.min(call.uint(2), 1 << 20);
  const parts: Uint8Array[] = [];
  let used = 0;
  let { position } = file;
  for (const { name, inode, type } of file.remaining()) {
    const text = encodeText(name);
    const size = Math.ceil((DIRENT_HEAD + text.length + 1) / 8) * 8;
    if (used + size > room) break;
    position += 1;
    const entry = new Uint8Array(size);
    const view = new DataView(entry.buffer);
    view.setBigUint64(0, BigInt(inode), true);
    view.setBigInt64(8, BigInt(position), true);
    view.setUint16(16, size, true);
    view.setUint8(18, type >> 12);
    entry.set(text, DIRENT_HEAD);
    parts.push(entry);
    used += size;
  }
  if (used === 0) return file.remaining().length > 0 ? -ERRNO.EINVAL : 0;
  memory.write(call.number(1), Buffer.concat(parts));
  file.position = position;
  return used;
}

function getcwd(call: Call): SyscallResult {
  const { files, memory } = call.kernel;
  const { workingDirectory } = files;
  if (workingDirectory.removed) return -ERRNO.ENOENT;
  const path = encodeText(`${directoryPath(workingDirectory)}\0`);
  if (path.length > Math.min(call.number(1), PATH_MAX)) return -ERRNO.ERANGE;
  memory.write(call.number(0), path);
  return path.length;
}

/** Names in directories: mkdir(2), unlink(2), rename(2), link(2), getdents(2), chdir(2). */
export const nameCalls: SyscallHandlers = {
  mkdirat: (call) =>
    create(call, call.int(0), pathText(call, 1), {
      kind: 'directory',
      mode: call.uint(2) & 0o1777,
    }),
  mknodat,
  symlinkat(call) {
    const target = pathText(call, 0);
    if (target === '') throw new SyscallError(ERRNO.ENOENT, 'the link would be empty');
    return create(call, call.int(1), pathText(call, 2), { kind: 'link', target });
  },
  linkat,
  unlinkat(call) {
    const flags = call.uint(2);
    if (flags & ~AT_REMOVEDIR) return -ERRNO.EINVAL;
    call.kernel.files.remove(call.int(0), pathText(call, 1), flags !== 0);
    return 0;
  },
  renameat2,
  readlinkat,
  getdents64,
  getcwd,
  chdir(call) {
    const { files } = call.kernel;
    files.changeDirectory(files.existing(AT_FDCWD, pathText(call, 0)));
    return 0;
  },
  fchdir(call) {
    const { files, descriptors } = call.kernel;
    const { node } = descriptors.file(call.int(0));
    if (!(node instanceof DirectoryNode)) return -ERRNO.ENOTDIR;
    files.changeDirectory(node);
    return 0;
  },
  chroot(call) {
    call.kernel.files.existing(AT_FDCWD, pathText(call, 0));
    return -ERRNO.EPERM;
  },
  umask(call) {
    const { files } = call.kernel;
    const before = files.modeMask;
    files.modeMask = call.uint(0) & 0o777;
    return before;
  },
};
